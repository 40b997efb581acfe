"""Index of the classes of a model: the likeliest of very many, and room for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, final

import numpy as np

from fourfold.errors import BundleError
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._label_heads import InputEmbedding, head_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.algorithms.label_index import LabelIndex
    from fourfold.data.rows import Rows
    from fourfold.estimators.model import Model

__all__ = ["ClassIndex"]

PLACES: Final = "places.npy"
CALIBRATION_ROWS: Final = 200
"""Rows of the source that an index is calibrated with."""


@final
class ClassIndex:
    """An index of labels, with the position of each class in it.

    Classes are sorted by name; the index is in the order of their addition, and ``places`` (k,) are
    the positions of its labels among the sorted names.
    """

    def __init__(self, index: LabelIndex, places: NDArray[np.intp]) -> None:
        self.index = index
        self.places = places

    @classmethod
    def build(cls, kind: str, model: Model, rows: Rows | None = None) -> Self:
        """Index the candidate classes of a model; rows of the source tell how thoroughly to search.

        Raises
        ------
        MissingExtraError
            If faiss is not installed.
        """
        from fourfold.algorithms.label_index import LabelIndex

        head = head_of(model)
        index = LabelIndex().set_params(kind=kind).build(head.labels.numpy(), head.bias.numpy())
        if rows is not None and rows.n:
            few = rows.subset(rows.draw(CALIBRATION_ROWS))
            index.calibrate(in_blocks(InputEmbedding(model), few))
        return cls(index, np.arange(index.n))

    def add(
        self, labels: NDArray[np.float32], bias: NDArray[np.float32], order: NDArray[np.intp]
    ) -> None:
        """Add labels (j, e) of new classes; ``order`` (k + j,) sorts old and new ones by name."""
        self.index.add(labels, bias)
        now = np.argsort(order)  # where each of them went
        k = len(self.places)
        self.places = np.concatenate([now[:k][self.places], now[k:]])

    def search(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Return the k highest scores of queries (n, e), and the classes that have them, (n, k)."""
        scores, positions = self.index.search(queries, k)
        return scores, self.places[positions]

    def save(self, folder: Path) -> None:
        """Write it into a folder of its own."""
        folder.mkdir()
        self.index.save(folder)
        np.save(folder / PLACES, self.places)

    @classmethod
    def load(cls, folder: Path, classes: int) -> Self:
        """Open a saved index; vectors stay on the disk, memory-mapped.

        Raises
        ------
        BundleError
            If it is damaged, or of another number of classes.
        """
        from fourfold.algorithms.label_index import LabelIndex

        index, places = LabelIndex.load(folder), np.load(folder / PLACES, allow_pickle=False)
        if index.n != classes or len(places) != classes:
            raise BundleError(
                f"{folder} must hold an index of the model's {classes} classes; got {index.n}"
            )
        return cls(index, places.astype(np.intp))
