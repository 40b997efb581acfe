"""Networks: what features are learnt with, and where a network may be cut in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.errors import ParameterError
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.networks.coder import Coder
from fourfold.networks.columns import Columns
from fourfold.networks.convnet import ConvNet
from fourfold.networks.latent import Latent
from fourfold.networks.mlp import Mlp
from fourfold.networks.projection import Projection
from fourfold.networks.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "BUILDERS",
    "Body",
    "Builder",
    "ConvNet",
    "Mlp",
    "as_body",
    "builder_of",
    "choose",
    "named",
]


def _timm(**parameters: Any) -> Builder:
    from fourfold.networks.timm import Timm

    return Timm(**parameters)


def _stem(**parameters: Any) -> Builder:
    from fourfold.networks.stem import Stem  # which stands on the choice below

    return Stem(**parameters)


BUILDERS: Final[Mapping[str, Callable[..., Builder]]] = {
    "Coder": Coder,
    "Columns": Columns,
    "Latent": Latent,
    "Mlp": Mlp,
    "ConvNet": ConvNet,
    "Projection": Projection,
    "Shares": Shares,
    "Stem": _stem,
    "Timm": _timm,
}
"""Every builder, by its class name; timm is imported when it is asked for."""


def named(name: str) -> Builder:
    """Return a network by name: ``"mlp"``, ``"convnet"``, or ``"timm:resnet18"``.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name.startswith("timm:"):
        return _timm(name=name.removeprefix("timm:"))
    table: dict[str, type[Builder]] = {"mlp": Mlp, "convnet": ConvNet}
    if name not in table:
        raise ParameterError(f"network must be 'mlp', 'convnet' or 'timm:NAME'; got {name!r}")
    return table[name]()


def choose(shape: tuple[int, ...]) -> Builder:
    """Choose a sensible network for rows of a shape: a convnet for pictures, else an MLP.

    Pictures get as many convolutions as it takes to come down to about 7 × 7.
    """
    if len(shape) != 3 or min(shape[1:]) < 8:
        return Mlp()
    halvings, side = 2, min(shape[1:]) // 4
    while side > 8 and halvings < 6:
        halvings, side = halvings + 1, side // 2
    return ConvNet(channels=(32, 48, 64, 96, 128, 128)[:halvings], batch_norm=True)


def builder_of(network: Builder | str | None, shape: tuple[int, ...]) -> Builder:
    """Return the builder that a method's ``network`` parameter means for rows of a shape."""
    if isinstance(network, str):
        return named(network)
    return network or choose(shape)
