"""The choice of a builder, by name or by the shape of rows, and Stem, a network on any other."""

from __future__ import annotations

from typing import Annotated, Final, final

import annotated_types as at
from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.errors import ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.convnet import ConvNet
from fourfold.networks.convnet1d import ConvNet1d
from fourfold.networks.listener import EachFrame, Listener
from fourfold.networks.mlp import Mlp
from fourfold.networks.pretrained.builder import Pretrained

__all__ = ["PRETRAINED", "Stem", "builder_of", "choose", "named"]

CHANNELS: Final = (32, 48, 64, 96, 128, 128)
"""Channels of each convolution."""
SHORTEST: Final = 16
"""Fewest steps of a series for convolutions."""


PRETRAINED: Final = ("timm:", "hf:", "st:")
"""Beginnings of the names of pretrained networks."""


def named(name: str) -> Builder:
    """Return a network by name, or a pretrained one.

    It is ``"mlp"``, ``"convnet"``, ``"conv1d"``, ``"listener"``; or ``"timm:NAME"``,
    ``"hf:NAME-or-FOLDER"``, ``"st:NAME-or-FOLDER"``.

    Raises
    ------
    ParameterError
        If there is no such network.
    """
    if name.startswith(PRETRAINED):
        found = Pretrained(name=name)
        found.check()
        return found
    table: dict[str, type[Builder]] = {
        "mlp": Mlp,
        "convnet": ConvNet,
        "conv1d": ConvNet1d,
        "listener": Listener,
    }
    if name not in table:
        raise ParameterError(
            "network must be 'mlp', 'convnet', 'conv1d', 'listener', or a pretrained one, "
            f"'timm:NAME', 'hf:NAME', 'st:NAME' or 'onnx:FILE'; got {name!r:.80}"
        )
    return table[name]()


def choose(shape: tuple[int, ...], *, batch_norm: bool = False) -> Builder:
    """Choose a network for rows of a shape: a convnet for pictures and for series, else an MLP.

    Convnets have batch norms, and an MLP has them if asked for. The number of convolutions brings a
    picture down to about 7 × 7, and a series to about 8 steps.
    """
    if len(shape) == 2 and shape[1] >= SHORTEST:
        return ConvNet1d(channels=CHANNELS[: _halvings(shape[1] // 4)])
    if len(shape) != 3 or min(shape[1:]) < 8:
        return Mlp(batch_norm=batch_norm)
    return ConvNet(channels=CHANNELS[: _halvings(min(shape[1:]) // 4)], batch_norm=True)


def _halvings(side: int) -> int:
    """Return the number of convolutions, each with pooling by two, of which two are behind."""
    halvings = 2
    while side > 8 and halvings < len(CHANNELS):
        halvings, side = halvings + 1, side // 2
    return halvings


def builder_of(network: Builder | str | None, shape: tuple[int, ...]) -> Builder:
    """Return the builder for a method's ``network`` parameter and rows of a shape."""
    if isinstance(network, str):
        return named(network)
    return network or choose(shape)


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
        builder = builder_of(self.network, shape)
        below = builder.build(shape)
        if builder.frames:
            return self._over_frames(below)
        project = nn.Sequential(nn.Linear(below.width, self.width), nn.ReLU())
        middle = Mlp(hidden_layer_sizes=self.middle).build((self.width,))
        stages = {**dict(below.named_children()), "project": project, "middle": middle}
        return Body(stages, middle.width)

    def frames_in(self, shape: tuple[int, ...]) -> bool:
        return builder_of(self.network, shape).frames

    def _over_frames(self, below: Body) -> Body:
        """Put layers on each frame above a network of frames."""
        middle, inner = [], self.width
        for outer in self.middle:
            middle.append(EachFrame(inner, outer))
            inner = outer
        project = EachFrame(below.width, self.width)
        stages = {**dict(below.named_children()), "project": project}
        return Body({**stages, "middle": nn.Sequential(*middle)}, inner)

    def bare(self) -> Builder:
        network = self.network and self.network.bare()
        return Stem(network=network, width=self.width, middle=self.middle)
