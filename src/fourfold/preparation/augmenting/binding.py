"""From a recipe's Augmentation to changes of rows of one kind, and drawn views of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch

from fourfold.data.rows import Rows, hash_contents
from fourfold.preparation.augmenting.rules import LOOKED_AT, rules_for
from fourfold.preparation.augmenting.sounds import SpectrogramAugmenter, WaveAugmenter
from fourfold.preparation.layout import find_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys
    from fourfold.preparation.layout import Layout
    from fourfold.training.augmentation import Augmentation, Augmenter

__all__ = ["DrawnView", "bound", "drawn_views"]


def bound(
    augmentation: Augmentation, rows: Rows, classes: Sequence[Any] | None, shape: tuple[int, ...]
) -> Augmenter | None:
    """Return the changes of rows that keep their labels; None where there are none.

    Parameters
    ----------
    augmentation
        What may be changed.
    rows
        As the user brought them.
    classes
        Names of the classes; None where labels are others.
    shape
        Of a prepared row.
    """
    rules = rules_for(rows, classes, shape)
    if not rules.medium:
        return None
    if rules.medium == "waves":
        return WaveAugmenter(augmentation, rules)
    if rules.medium == "spectrograms":
        read = shape in {rows.shape, (1, *rows.shape)}
        return SpectrogramAugmenter(augmentation, rules, decibels=read)
    from fourfold.preparation.augmenting.pictures import PictureAugmenter  # torchvision

    layout, seen = find_layout(rows, "auto"), rows.sample(LOOKED_AT)
    white = 1.0 if rows.kind == "array" and rows.dtype.kind == "f" and seen.max() <= 1 else 255.0
    fill = _edge(seen / white, layout)
    return PictureAugmenter(augmentation, rules, rows.shape, layout, white, fill)


def _edge(pictures: NDArray[Any], layout: Layout) -> list[float]:
    """Return the mean colour of the edges of pictures, from 0 to 1 for each channel."""
    x = pictures[..., None] if layout == "plane" else pictures
    x = np.moveaxis(x, 1, -1) if layout == "first" else x  # (n, H, W, C)
    sides = [x[:, :1], x[:, -1:], x[:, :, :1].swapaxes(1, 2), x[:, :, -1:].swapaxes(1, 2)]
    means = np.concatenate(sides, axis=2).mean(axis=(0, 1, 2))
    return [float(mean) for mean in means.clip(0, 1)]


def drawn_views(rows: Rows, augmenter: Augmenter) -> list[DrawnView]:
    """Return the views of rows that their augmentation asks for."""
    numbers = range(augmenter.augmentation.views)
    return [DrawnView(rows, augmenter, number) for number in numbers]


@final
class DrawnView(Rows):
    """One drawn view of each row, the same at every reading: drawn by content and a number."""

    def __init__(self, rows: Rows, augmenter: Augmenter, number: int) -> None:
        self.rows, self.augmenter, self.number = rows, augmenter, number
        self.n, self.shape, self.dtype, self.kind = rows.n, rows.shape, rows.dtype, rows.kind
        self.white, self.layout = rows.white, rows.layout

    def take(self, index: Index) -> Any:
        raw, seeds = self.rows.take(index), self.keys[index].view(np.uint64)[::2]
        if not len(index):
            return raw
        with torch.random.fork_rng(devices=[]):
            changed = []
            for row, seed in zip(raw, seeds, strict=True):
                torch.manual_seed(int(seed >> np.uint64(1)))
                changed.append(self.augmenter(torch.from_numpy(np.array(row))[None])[0].numpy())
        return np.stack(changed).astype(self.dtype, copy=False)

    def subset(self, index: Index) -> DrawnView:
        return DrawnView(self.rows.subset(index), self.augmenter, self.number)

    def _hash(self) -> Keys:
        salt = f"{self.augmenter.augmentation} {self.augmenter.rules} {self.number}".encode()
        return hash_contents(key.tobytes() + salt for key in self.rows.keys)
