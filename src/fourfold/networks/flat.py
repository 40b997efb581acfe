"""The inputs themselves as features."""

from __future__ import annotations

import math
from typing import final

from torch import nn

from fourfold.networks.builder import Body, Builder

__all__ = ["Flat"]


@final
class Flat(Builder):
    """Inputs, flattened; nothing is learnt.

    Examples
    --------
    >>> Flat().build((2, 4, 4)).width
    32
    """

    def _build(self, shape: tuple[int, ...]) -> Body:
        stages = {"flatten": nn.Flatten()} if len(shape) > 1 else {"same": nn.Identity()}
        return Body(stages, math.prod(shape))
