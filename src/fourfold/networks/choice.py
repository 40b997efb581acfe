"""The choice of a builder: by name, or by the shape of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.errors import ParameterError
from fourfold.networks.convnet import ConvNet
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from fourfold.networks.builder import Builder

__all__ = ["builder_of", "choose", "named"]


def named(name: str) -> Builder:
    """Return a network by name: ``"mlp"``, ``"convnet"``, or ``"timm:resnet18"``.

    Raises
    ------
    ParameterError
        If there is no such network.
    """
    if name.startswith("timm:"):
        from fourfold.networks.timm import Timm

        return Timm(name=name.removeprefix("timm:"))
    table: dict[str, type[Builder]] = {"mlp": Mlp, "convnet": ConvNet}
    if name not in table:
        raise ParameterError(f"network must be 'mlp', 'convnet' or 'timm:NAME'; got {name!r}")
    return table[name]()


def choose(shape: tuple[int, ...]) -> Builder:
    """Choose a network for rows of a shape: a convnet for pictures, else an MLP.

    The number of convolutions brings a picture down to about 7 × 7.
    """
    if len(shape) != 3 or min(shape[1:]) < 8:
        return Mlp()
    halvings, side = 2, min(shape[1:]) // 4
    while side > 8 and halvings < 6:
        halvings, side = halvings + 1, side // 2
    return ConvNet(channels=(32, 48, 64, 96, 128, 128)[:halvings], batch_norm=True)


def builder_of(network: Builder | str | None, shape: tuple[int, ...]) -> Builder:
    """Return the builder for a method's ``network`` parameter and rows of a shape."""
    if isinstance(network, str):
        return named(network)
    return network or choose(shape)
