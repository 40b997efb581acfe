"""Approximate: backends that search an index of faiss by nearness instead of by inner product."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import faiss
import numpy as np

from fourfold.algorithms.label_index.arrays import BLOCK
from fourfold.algorithms.label_index.backend import Backend, Options
from fourfold.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.algorithms.label_index.backend import Vectors

__all__ = ["Approximate"]


class Approximate(Backend, ABC):
    """Vectors in an index of faiss, each with a further number a that makes the best the nearest.

    With a² = C − ‖v‖² − 2b, ‖(f, 0) − (v, a)‖² = ‖f‖² + C − 2(f·v + b).

    Attributes
    ----------
    inner
        The index of faiss.
    reach
        C, the largest ‖v‖² + 2b.
    biased
        Whether vectors and queries end in a bias.
    bias
        (n,) where faiss's vectors do not hold it, else (0,).
    mapped
        Whether vectors lie in a file, so that none can be added.
    """

    index_class: ClassVar[type[Any]]
    """Of faiss."""
    mapping: ClassVar[int]
    """The flag by which faiss leaves vectors in the file."""
    stores_bias: ClassVar[bool]
    """Whether the bias is a number of faiss's vectors."""

    def __init__(self, inner: Any, reach: float, *, biased: bool, mapped: bool = False) -> None:
        self.inner, self.reach, self.biased, self.mapped = inner, reach, biased, mapped
        self.bias: Vectors = np.zeros(0, np.float32)

    @classmethod
    @final
    def build(cls, labels: Vectors, options: Options) -> Self:
        backend = cls(
            cls._empty(labels, options),
            _reach(labels, biased=options.biased),
            biased=options.biased,
        )
        backend._train(labels, options)
        backend.add(labels)
        return backend

    @classmethod
    @abstractmethod
    def _empty(cls, labels: Vectors, options: Options) -> Any:
        """Make an index of faiss without vectors."""

    @abstractmethod
    def _train(self, labels: Vectors, options: Options) -> None:
        """Learn the structure of the index from vectors."""

    @abstractmethod
    def _keep(self, labels: Vectors, more: Vectors) -> None:
        """Keep vectors (k, d) with their further numbers (k, 1)."""

    @abstractmethod
    def _extend(self, reach: float) -> None:
        """Prepare for vectors with a larger ‖v‖² + 2b than before."""

    @abstractmethod
    def _load(self) -> None:
        """Copy vectors that lie in a file into memory."""

    @property
    @final
    def n(self) -> int:
        return int(self.inner.ntotal)

    @final
    def add(self, labels: Vectors) -> None:
        self._in_memory()
        self._extend(_reach(labels, biased=self.biased))
        for at in range(0, len(labels), BLOCK):
            block = labels[at : at + BLOCK]
            self._keep(block, self._further(block))

    @final
    def write(self, folder: Path) -> dict[str, Any]:
        self._in_memory()
        faiss.write_index(self.inner, str(folder / "labels.faiss"))
        if self.biased and not self.stores_bias:
            np.save(folder / "bias.npy", self.bias)
        return {"reach": self.reach}

    @classmethod
    @final
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        inner = faiss.read_index(str(folder / "labels.faiss"), cls.mapping)
        width = about["width"] + 1 + (cls.stores_bias and about["biased"])
        if not isinstance(inner, cls.index_class) or inner.d != width:
            raise BundleError(
                f"{folder / 'labels.faiss'} must hold vectors of {width} numbers as "
                f"{cls.index_class.__name__}; got {inner.d} as {type(inner).__name__}"
            )
        backend = cls(inner, float(about["reach"]), biased=about["biased"], mapped=True)
        if about["biased"] and not cls.stores_bias:
            backend.bias = np.load(folder / "bias.npy", allow_pickle=False)
        return backend

    @final
    def _in_memory(self) -> None:
        if self.mapped:
            self._load()
            self.mapped = False

    @final
    def __getstate__(self) -> dict[str, Any]:
        self._in_memory()  # another process gets the vectors
        return dict(vars(self))

    @final
    def _further(self, labels: Vectors) -> Vectors:
        """Return the further number a of each vector: (k, 1)."""
        short = self.reach - _squares(labels, biased=self.biased)
        further: Vectors = np.sqrt(short.clip(0)).astype(np.float32)[:, None]
        return further

    @final
    def _plain(self, rows: Vectors) -> Vectors:
        """Return vectors or queries without the bias or its 1."""
        return rows[:, :-1] if self.biased else rows


def _reach(labels: Vectors, *, biased: bool) -> float:
    """Return the largest ‖v‖² + 2b; −∞ without vectors."""
    parts = [labels[at : at + BLOCK] for at in range(0, len(labels), BLOCK)]
    return max((float(_squares(part, biased=biased).max()) for part in parts), default=-np.inf)


def _squares(labels: Vectors, *, biased: bool) -> NDArray[np.float64]:
    """Return ‖v‖² + 2b of each vector."""
    vectors = (labels[:, :-1] if biased else labels).astype(np.float64)
    bias = labels[:, -1].astype(np.float64) if biased else 0.0
    return np.asarray((vectors**2).sum(axis=1) + 2 * bias)
