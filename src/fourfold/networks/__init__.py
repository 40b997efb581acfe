"""Networks: builders of bodies, the choice among them, and cuts of a network into two parts.

A builder describes a network that fits rows of any shape. Losses and training do not belong here.
"""

from __future__ import annotations

from fourfold.networks.builder import Body, Builder, as_body
from fourfold.networks.choice import builder_of, choose, named
from fourfold.networks.convnet import ConvNet
from fourfold.networks.flat import Flat
from fourfold.networks.mlp import Mlp
from fourfold.networks.registry import BUILDERS

__all__ = [
    "BUILDERS",
    "Body",
    "Builder",
    "ConvNet",
    "Flat",
    "Mlp",
    "as_body",
    "builder_of",
    "choose",
    "named",
]
