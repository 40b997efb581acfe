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
    from torch import Tensor

    from fourfold.preparation.layout import Layout
    from fourfold.training.augmentation import Augmentation

__all__ = ["PictureAugmenter"]

TURN = 30.0
"""Largest rotation in degrees of RandAugment's largest magnitude, 30; shears are as large."""
MOVE = 0.45
"""Largest shift there, as a share of a side."""


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
    """

    def __init__(
        self,
        augmentation: Augmentation,
        rules: Rules,
        shape: tuple[int, ...],
        layout: Layout,
        white: float,
    ) -> None:
        self.augmentation, self.rules = augmentation, f"{rules} {layout} {white}"
        self.layout, self.white = layout, white
        self.change = _changes(augmentation, rules, prepared_shape(shape, layout)[1:])

    def __call__(self, x: Tensor) -> Tensor:
        x = x.movedim(-1, 1) if self.layout == "last" else x
        x = x.unsqueeze(1) if self.layout == "plane" else x
        if x.dtype == torch.uint8:
            changed = torch.stack([self.change(picture) for picture in x])
        else:
            unit = (x.float() / self.white).clamp(0, 1)
            changed = torch.stack([self.change(picture) for picture in unit]) * self.white
        changed = changed.squeeze(1) if self.layout == "plane" else changed
        return changed.movedim(1, -1) if self.layout == "last" else changed


def _changes(augmentation: Augmentation, rules: Rules, size: tuple[int, ...]) -> Any:
    """Compose the changes of one picture (C, H, W)."""
    steps: list[Any] = []
    least = max(augmentation.crop, GENTLE) if rules.characters else augmentation.crop
    if least < 1:
        steps.append(v2.RandomResizedCrop(list(size), scale=(least, 1.0), antialias=True))
    if augmentation.flip and rules.flips:
        steps.append(v2.RandomHorizontalFlip())
    if augmentation.operations and rules.colours:
        steps.append(v2.RandAugment(augmentation.operations, augmentation.magnitude))
    elif augmentation.operations and augmentation.magnitude:  # its changes of shape alone
        share = augmentation.magnitude / 30
        turn, move = TURN * share, MOVE * share
        steps.append(v2.RandomAffine(turn, (move, move), shear=(-turn, turn, -turn, turn)))
    return v2.Compose(steps or [v2.Identity()])
