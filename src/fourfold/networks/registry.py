"""The registry of builders, by which saved models are rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.networks.coder import Coder
from fourfold.networks.columns import ColumnStack
from fourfold.networks.convnet import ConvNet
from fourfold.networks.flat import Flat
from fourfold.networks.mlp import Mlp
from fourfold.networks.normalized_counts import NormalizedCounts
from fourfold.networks.projection import Projection
from fourfold.networks.stem import Stem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourfold.networks.builder import Builder

__all__ = ["BUILDERS"]


def _timm(**parameters: Any) -> Builder:
    from fourfold.networks.timm import Timm  # an extra

    return Timm(**parameters)


BUILDERS: Final[Mapping[str, Callable[..., Builder]]] = {
    "Coder": Coder,
    "ColumnStack": ColumnStack,
    "ConvNet": ConvNet,
    "Flat": Flat,
    "Mlp": Mlp,
    "NormalizedCounts": NormalizedCounts,
    "Projection": Projection,
    "Stem": Stem,
    "Timm": _timm,
}
"""Every builder by its class name."""
