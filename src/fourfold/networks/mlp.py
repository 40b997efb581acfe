"""Mlp: fully connected networks, for tables and vectors."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, ClassVar, final

import annotated_types as at
from torch import nn

from fourfold.networks.builder import Body, Builder
from fourfold.networks.flat import Flat, flattened
from fourfold.training.norms import BatchNorm1d

__all__ = ["Mlp"]


@final
class Mlp(Builder):
    """Layers of ReLU units on flattened rows.

    Parameters
    ----------
    hidden_layer_sizes
        Units of each hidden layer, from the input on; the last ones are the features.
    batch_norm
        Whether to normalize before each ReLU.
    dropout
        Share of units that are dropped after each layer, in [0, 1).

    Examples
    --------
    >>> Mlp(hidden_layer_sizes=(64, 32)).build((10,)).width
    32
    """

    hidden_layer_sizes: tuple[Annotated[int, at.Ge(1)], ...] = (128, 64)
    batch_norm: bool = False
    dropout: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0

    renamed: ClassVar[dict[str, str]] = {"widths": "hidden_layer_sizes"}

    def _build(self, shape: tuple[int, ...]) -> Body:
        if not self.hidden_layer_sizes:
            return Flat().build(shape)
        stages = dict(flattened(shape))
        sizes = (math.prod(shape), *self.hidden_layer_sizes)
        for i, (inner, outer) in enumerate(itertools.pairwise(sizes), start=1):
            norm = [BatchNorm1d(outer)] if self.batch_norm else []
            drop = [nn.Dropout(self.dropout)] if self.dropout else []
            stages[f"fc{i}"] = nn.Sequential(nn.Linear(inner, outer), *norm, nn.ReLU(), *drop)
        return Body(stages, sizes[-1])
