"""Networks: builders of bodies, the choice among them, and cuts of a network into two parts.

A builder describes a network that fits rows of any shape. Losses and training do not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.networks.builder import Body, Builder, as_body
from fourfold.networks.choice import Stem, builder_of, choose, named
from fourfold.networks.coder import Coder
from fourfold.networks.columns import ColumnStack
from fourfold.networks.convnet import ConvNet
from fourfold.networks.convnet1d import ConvNet1d
from fourfold.networks.listener import Listener
from fourfold.networks.mlp import Flat, Mlp, Projection
from fourfold.networks.normalized_counts import Latent, NormalizedCounts
from fourfold.networks.pretrained.builder import Pretrained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "BUILDERS",
    "Body",
    "Builder",
    "ConvNet",
    "ConvNet1d",
    "Flat",
    "Listener",
    "Mlp",
    "Pretrained",
    "as_body",
    "builder_of",
    "choose",
    "named",
]


def _architecture(**parameters: Any) -> Builder:
    from fourfold.networks.pretrained.architecture import Architecture  # an extra

    return Architecture(**parameters)


BUILDERS: Final[Mapping[str, Callable[..., Builder]]] = {
    "Architecture": _architecture,
    "Coder": Coder,
    "ColumnStack": ColumnStack,
    "ConvNet": ConvNet,
    "ConvNet1d": ConvNet1d,
    "Flat": Flat,
    "Latent": Latent,
    "Listener": Listener,
    "Mlp": Mlp,
    "NormalizedCounts": NormalizedCounts,
    "Pretrained": Pretrained,
    "Projection": Projection,
    "Stem": Stem,
}
"""Every builder by its class name, by which saved models are rebuilt."""
