"""The classes of a model in an index: the likeliest of very many, and room for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import numpy as np

from fourfold.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.algorithms.label_index import LabelIndex

__all__ = ["Indexed"]

PLACES = "places.npy"


@final
class Indexed:
    """An index of labels, and which class stands where in it.

    Classes are sorted by name, an index is in the order in which they came.

    Parameters
    ----------
    index
        Built.
    places
        (k,) the class, among the sorted names, of each label in the index.
    """

    def __init__(self, index: LabelIndex, places: NDArray[np.intp]) -> None:
        self.index = index
        self.places = places

    @classmethod
    def build(cls, kind: str, labels: NDArray[np.float32], bias: NDArray[np.float32]) -> Self:
        """Index labels (k, e) and their biases (k,), in the order of the sorted names.

        Raises
        ------
        MissingExtraError
            If faiss is not installed.
        """
        from fourfold.algorithms.label_index import LabelIndex

        index = LabelIndex().set_params(kind=kind).build(labels, bias)
        return cls(index, np.arange(len(labels)))

    def add(
        self, labels: NDArray[np.float32], bias: NDArray[np.float32], order: NDArray[np.intp]
    ) -> None:
        """Add labels (j, e) of new classes.

        Parameters
        ----------
        labels, bias
            Of the new classes.
        order
            (k + j,) which of the old and then the new classes now stands where among the names.
        """
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
        """Open what was saved; vectors stay on the disk, memory-mapped.

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
