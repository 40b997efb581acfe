"""Stem: a network of any input whose upper layers other networks may share."""

from __future__ import annotations

from typing import Annotated, final

import annotated_types as at
from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder
from fourfold.networks.choice import builder_of
from fourfold.networks.mlp import Mlp

__all__ = ["Stem"]


@final
class Stem(Builder):
    """A network, a projection to a fixed width, and an MLP that other networks may share.

    Parameters
    ----------
    network
        The lower part; None chooses by the rows' shape.
    width
        Inputs of the MLP.
    middle
        Units of the MLP's layers.

    Examples
    --------
    >>> body = Stem(width=32, middle=(16,)).build((10,))
    >>> body.width, list(dict(body.named_children()))
    (16, ['fc1', 'fc2', 'project', 'middle'])
    """

    network: Builder | None = None
    width: PositiveInt = 64
    middle: tuple[Annotated[int, at.Ge(1)], ...] = (64,)

    def _build(self, shape: tuple[int, ...]) -> Body:
        below = builder_of(self.network, shape).build(shape)
        project = nn.Sequential(nn.Linear(below.width, self.width), nn.ReLU())
        middle = Mlp(hidden_layer_sizes=self.middle).build((self.width,))
        stages = {**dict(below.named_children()), "project": project, "middle": middle}
        return Body(stages, middle.width)

    def bare(self) -> Builder:
        network = self.network and self.network.bare()
        return Stem(network=network, width=self.width, middle=self.middle)
