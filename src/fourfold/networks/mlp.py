"""Fully connected networks, for tables and vectors."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, final

import annotated_types as at
from torch import nn

from fourfold.networks.builder import Body, Builder
from fourfold.training.norms import BatchNorm1d

__all__ = ["Mlp"]


@final
class Mlp(Builder):
    """Layers of ReLU units; rows of several dimensions are flattened.

    Parameters
    ----------
    widths
        Units of each hidden layer, from the input on.
    batch_norm
        Normalize before each ReLU.
    dropout
        Share of units that are dropped after each layer, in [0, 1).

    Examples
    --------
    >>> Mlp(widths=(64, 32)).build((10,)).width
    32
    """

    widths: tuple[Annotated[int, at.Ge(1)], ...] = (128, 64)
    batch_norm: bool = False
    dropout: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0

    def _build(self, shape: tuple[int, ...]) -> Body:
        stages: dict[str, nn.Module] = {"flatten": nn.Flatten()} if len(shape) > 1 else {}
        sizes = (math.prod(shape), *self.widths)
        for i, (inner, outer) in enumerate(itertools.pairwise(sizes), start=1):
            layer = [nn.Linear(inner, outer)]
            norm = [BatchNorm1d(outer)] if self.batch_norm else []
            drop = [nn.Dropout(self.dropout)] if self.dropout else []
            stages[f"fc{i}"] = nn.Sequential(*layer, *norm, nn.ReLU(), *drop)
        return Body(stages or {"same": nn.Identity()}, sizes[-1])
