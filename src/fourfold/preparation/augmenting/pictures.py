"""Random changes of pictures by torchvision: crops, flips and RandAugment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch

from fourfold.errors import MissingExtraError
from fourfold.preparation.augmenting.rules import GENTLE, Rules
from fourfold.preparation.layout import prepared_shape

try:
    from torchvision.transforms import v2
except ImportError as error:
    raise MissingExtraError("torchvision", "image") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from fourfold.preparation.layout import Layout
    from fourfold.training.augmentation import Augmentation

__all__ = ["PictureAugmenter"]

TURN = 30.0
"""Largest rotation in degrees of RandAugment's largest magnitude, 30; shears are as large."""
MOVE = 0.45
"""Largest shift there, as a share of a side."""
SMALL = 64
"""Longest side of pictures that are shifted and not resized: resizing would blur them."""


@final
class PictureAugmenter:
    """Change pictures (B, *shape), each by itself.

    Parameters
    ----------
    augmentation, rules
        What is changed.
    shape, layout
        Of a raw row.
    white
        The pixel value that is white.
    fill
        Colour outside of turned pictures, from 0 to 1 for each channel.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        rules: Rules,
        shape: tuple[int, ...],
        layout: Layout,
        white: float,
        fill: Sequence[float],
    ) -> None:
        self.augmentation, self.rules = augmentation, f"{rules} {layout} {white} {fill}"
        self.layout, self.white = layout, white
        size, bytes_ = prepared_shape(shape, layout)[1:], [round(255 * part) for part in fill]
        self.of_bytes = _changes(augmentation, rules, size, bytes_)
        self.of_floats = _changes(augmentation, rules, size, fill)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.movedim(-1, 1) if self.layout == "last" else x
        x = x.unsqueeze(1) if self.layout == "plane" else x
        if x.dtype == torch.uint8:
            changed = torch.stack([self.of_bytes(picture) for picture in x])
        else:
            unit = (x.float() / self.white).clamp(0, 1)
            changed = torch.stack([self.of_floats(picture) for picture in unit]) * self.white
        changed = changed.squeeze(1) if self.layout == "plane" else changed
        return changed.movedim(1, -1) if self.layout == "last" else changed


def _changes(
    augmentation: Augmentation, rules: Rules, size: tuple[int, ...], fill: Sequence[float]
) -> Any:
    """Compose the changes of one picture (C, H, W)."""
    steps: list[Any] = []
    least = max(augmentation.crop, GENTLE) if rules.characters else augmentation.crop
    if least < 1 and max(size) <= SMALL:
        padding = [round(side * (1 - least) / 4) for side in (size[1], size[0])]
        steps.append(v2.RandomCrop(list(size), padding=padding, padding_mode="edge"))
    elif least < 1:
        steps.append(v2.RandomResizedCrop(list(size), scale=(least, 1.0), antialias=True))
    if augmentation.flip and rules.flips:
        steps.append(v2.RandomHorizontalFlip())
    if augmentation.operations and rules.colours:
        n, magnitude = augmentation.operations, augmentation.magnitude
        steps.append(v2.RandAugment(n, magnitude, fill=list(fill)))
    elif augmentation.operations and augmentation.magnitude:  # its changes of shape alone
        share = augmentation.magnitude / 30
        turn, move = TURN * share, MOVE * share
        shear = (-turn, turn, -turn, turn)
        steps.append(v2.RandomAffine(turn, (move, move), shear=shear, fill=list(fill)))
    return v2.Compose(steps or [v2.Identity()])
