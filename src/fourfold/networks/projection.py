"""A linear map of inputs to fewer numbers, found without labels."""

from __future__ import annotations

import math
from typing import final

from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder

__all__ = ["Projection"]


@final
class Projection(Builder):
    """Inputs, flattened, times a matrix; nothing else.

    Parameters
    ----------
    width
        Of the features.

    Examples
    --------
    >>> Projection(width=3).build((2, 4, 4)).width
    3
    """

    width: PositiveInt = 50

    def _build(self, shape: tuple[int, ...]) -> Body:
        flatten: dict[str, nn.Module] = {"flatten": nn.Flatten()} if len(shape) > 1 else {}
        return Body({**flatten, "project": nn.Linear(math.prod(shape), self.width)}, self.width)
