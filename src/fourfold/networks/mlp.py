"""Mlp, Projection and Flat: fully connected networks, a linear map, and inputs as features."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Annotated, ClassVar, final

import annotated_types as at
from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder
from fourfold.training.norms import BatchNorm1d

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Flat", "Mlp", "Projection", "flattened"]


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
