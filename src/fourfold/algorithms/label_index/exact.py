"""Exact: a search through all vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

import faiss
import numpy as np

from fourfold.algorithms.label_index.backend import Backend, Options, one_by_one
from fourfold.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.algorithms.label_index.backend import Found, Vectors

__all__ = ["Exact"]


@final
class Exact(Backend):
    """Vectors as they are, optionally a memory map; a search goes through all."""

    effort = 0

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    @classmethod
    def build(cls, labels: Vectors, options: Options) -> Self:
        del options
        return cls(labels)

    @property
    def n(self) -> int:
        return len(self.vectors)

    @property
    def max_effort(self) -> int:
        return 0

    def add(self, labels: Vectors) -> None:
        self.vectors = np.concatenate([self.vectors, labels])

    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        del effort
        return one_by_one(
            queries, lambda one: faiss.knn(one, self.vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
        )

    def write(self, folder: Path) -> dict[str, Any]:
        np.save(folder / "labels.npy", self.vectors)
        return {}

    @classmethod
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        vectors = np.load(folder / "labels.npy", mmap_mode="r", allow_pickle=False)
        width = about["width"] + about["biased"]
        if vectors.dtype != np.float32 or vectors.shape[1:] != (width,):
            raise BundleError(
                f"{folder / 'labels.npy'} must hold vectors of {width} 32-bit floats; got "
                f"{vectors.dtype} of shape {vectors.shape}"
            )
        return cls(np.asarray(vectors))
