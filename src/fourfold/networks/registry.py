"""The registry of builders: class names in saved models, and how each is restored."""

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

    return Timm.restore(**parameters)


def _shares(words: int = 0, by: str = "sum") -> Builder:
    norms = {"sum": "l1", "length": "l2"}
    return NormalizedCounts.restore(n_words=words, norm=norms[by])


BUILDERS: Final[Mapping[str, Callable[..., Builder]]] = {
    **{
        builder.__name__: builder.restore
        for builder in (Coder, ColumnStack, ConvNet, Flat, Mlp, NormalizedCounts, Projection, Stem)
    },
    "Timm": _timm,
    "Columns": ColumnStack.restore,  # in models of version 0.1
    "Shares": _shares,  # the same
}
"""Class name → what restores a builder from its saved parameters."""
