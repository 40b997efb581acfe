"""Projection: a linear map of inputs to fewer numbers."""

from __future__ import annotations

import math
from typing import final

from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder
from fourfold.networks.flat import flattened

__all__ = ["Projection"]


@final
class Projection(Builder):
    """A linear map of flattened inputs.

    Parameters
    ----------
    width
        Number of features.

    Examples
    --------
    >>> Projection(width=3).build((2, 4, 4)).width
    3
    """

    width: PositiveInt = 50

    def _build(self, shape: tuple[int, ...]) -> Body:
        project = nn.Linear(math.prod(shape), self.width)
        return Body({**flattened(shape), "project": project}, self.width)
