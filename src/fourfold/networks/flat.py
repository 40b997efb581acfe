"""Flat: inputs as features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

from torch import nn

from fourfold.networks.builder import Body, Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Flat", "flattened"]


@final
class Flat(Builder):
    """Inputs as features, flattened; nothing is learnt.

    Examples
    --------
    >>> Flat().build((3, 4)).width
    12
    """

    def _build(self, shape: tuple[int, ...]) -> Body:
        return Body(flattened(shape) or {"same": nn.Identity()}, math.prod(shape))


def flattened(shape: tuple[int, ...]) -> Mapping[str, nn.Module]:
    """Return the stage that makes vectors of rows of this shape; nothing for vectors.

    Examples
    --------
    >>> flattened((3, 4)), flattened((12,))
    ({'flatten': Flatten(start_dim=1, end_dim=-1)}, {})
    """
    return {"flatten": nn.Flatten()} if len(shape) > 1 else {}
