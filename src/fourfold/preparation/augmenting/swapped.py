"""Random changes of rows of numbers: some features are another row's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.training.augmentation import Augmentation

__all__ = ["Swapped"]

SHARE: Final = 0.2
"""Share of the features that are swapped where pictures would be changed by RandAugment."""


@final
class Swapped:
    """Give some features of rows (B, ...) the values that another row of the batch has.

    A weak augmentation, without operations of RandAugment, leaves rows as they are.

    References
    ----------
    Bahri, Jiang, Tay & Metzler, SCARF: Self-Supervised Contrastive Learning Using Random Feature
    Corruption, ICLR 2022.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        self.augmentation, self.rules = augmentation, "swapped features"

    def __call__(self, x: Tensor) -> Tensor:
        if not self.augmentation.operations:
            return x
        others = x[torch.randperm(len(x), device=x.device)]
        return torch.where(torch.rand(x.shape, device=x.device) < SHARE, others, x)
