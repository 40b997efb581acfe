"""Ways to keep very many vectors such that those with the largest inner products are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self, TypeAlias, final

import numpy as np

from fourfold.errors import BundleError, MissingExtraError

try:
    import faiss
except ImportError as error:
    raise MissingExtraError(error.name or "faiss", "labels") from error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    Positions: TypeAlias = NDArray[np.int64]
    Found: TypeAlias = tuple[Vectors, Positions]

__all__ = ["BLOCK", "FORMS", "Form", "Wanted"]

A_CELL: Final = 8
"""A cell holds at least so many labels on average, so that there is something to leave out."""
ROUNDS: Final = 10
"""Of k-means; more hardly move the cells."""
SAMPLE: Final = 64
"""Labels a cell that k-means looks at."""
WIDENING: Final = 80
"""How many candidates a label's neighbours are chosen from while the graph is built."""
SLACK: Final = 1e-5
"""By so small a part a label may reach farther than those a graph was built of."""
BLOCK: Final = 1 << 16
"""Labels that are checked and widened at a time."""


class Wanted(NamedTuple):
    """What is asked of a form.

    Attributes
    ----------
    biased
        Whether the last number of a vector is its bias.
    cells
        How many cells, or None for as many as suit.
    neighbours
        Of a label in a graph.
    seed
        Of k-means.
    """

    biased: bool
    cells: int | None
    neighbours: int
    seed: int


class Form(ABC):
    """A way to keep vectors such that the largest inner products are found.

    Where there is a bias it is the last number of a vector, and the last of a query is 1.

    Attributes
    ----------
    effort
        What a search spends unless something else is asked for; 0 if there is no choice.
    """

    effort: ClassVar[int]

    @classmethod
    @abstractmethod
    def build(cls, labels: Vectors, wanted: Wanted) -> Self:
        """Keep vectors (k, d)."""

    @property
    @abstractmethod
    def n(self) -> int:
        """How many there are."""

    @property
    @abstractmethod
    def most(self) -> int:
        """The effort with which every label is looked at."""

    @abstractmethod
    def add(self, labels: Vectors) -> None:
        """Keep more."""

    @abstractmethod
    def find(self, queries: Vectors, k: int, effort: int) -> Found:
        """Look up queries (n, d), each by itself: scores and positions (n, k), −1 for none."""

    @abstractmethod
    def write(self, folder: Path) -> dict[str, Any]:
        """Write it; return what else reading needs, for JSON."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        """Open what was written, memory-mapped."""


@final
class Exact(Form):
    """Vectors as they are, maybe in a memory map; all are looked at."""

    effort = 0

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    @classmethod
    def build(cls, labels: Vectors, wanted: Wanted) -> Self:
        del wanted
        return cls(labels)

    @property
    def n(self) -> int:
        return len(self.vectors)

    @property
    def most(self) -> int:
        return 0

    def add(self, labels: Vectors) -> None:
        self.vectors = np.concatenate([self.vectors, labels])

    def find(self, queries: Vectors, k: int, effort: int) -> Found:
        del effort
        return _one_by_one(
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


class Faiss(Form, ABC):
    """Vectors in an index of faiss, with the one more number that makes the best the nearest.

    Attributes
    ----------
    inner
        The index of faiss.
    reach
        C, the largest ‖v‖² + 2b.
    biased
        Whether the last number of vectors and queries is that of a bias.
    mapped
        Whether vectors lie in a file, where nothing can be added to them.
    """

    def __init__(self, inner: Any, reach: float, *, biased: bool, mapped: bool = False) -> None:
        self.inner, self.reach, self.biased, self.mapped = inner, reach, biased, mapped

    @classmethod
    @final
    def build(cls, labels: Vectors, wanted: Wanted) -> Self:
        reach = _reach(labels, biased=wanted.biased)
        form = cls(cls._empty(labels, wanted), reach, biased=wanted.biased)
        form._train(labels, wanted)
        form.add(labels)
        return form

    @classmethod
    @abstractmethod
    def _empty(cls, labels: Vectors, wanted: Wanted) -> Any:
        """Make an index of faiss without vectors."""

    @abstractmethod
    def _train(self, labels: Vectors, wanted: Wanted) -> None:
        """Learn what does not depend on single vectors."""

    @abstractmethod
    def _keep(self, labels: Vectors, more: Vectors) -> None:
        """Keep vectors, with the one more number of each (k, 1)."""

    @abstractmethod
    def _extend(self, reach: float) -> None:
        """Get ready for labels with a larger ‖v‖² + 2b than any before."""

    @abstractmethod
    def _own(self) -> None:
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
            self._keep(block, self._more(block))

    @final
    def write(self, folder: Path) -> dict[str, Any]:
        self._in_memory()
        faiss.write_index(self.inner, str(folder / "labels.faiss"))
        self._write_beside(folder)
        return {"reach": self.reach}

    @classmethod
    @final
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        inner = faiss.read_index(str(folder / "labels.faiss"), cls._flag())
        width = about["width"] + 1 + cls._stores_bias(biased=about["biased"])
        if not isinstance(inner, cls._class()) or inner.d != width:
            raise BundleError(
                f"{folder / 'labels.faiss'} must hold vectors of {width} numbers as "
                f"{cls._class().__name__}; got {inner.d} as {type(inner).__name__}"
            )
        form = cls(inner, float(about["reach"]), biased=about["biased"], mapped=True)
        form._read_beside(folder)
        return form

    @staticmethod
    @abstractmethod
    def _class() -> type[Any]:
        """Return which index of faiss it is."""

    @staticmethod
    @abstractmethod
    def _flag() -> int:
        """Return what tells faiss to leave vectors in the file."""

    @staticmethod
    @abstractmethod
    def _stores_bias(*, biased: bool) -> bool:
        """Tell whether the bias is a number of faiss's vectors."""

    @abstractmethod
    def _write_beside(self, folder: Path) -> None:
        """Write what faiss does not hold."""

    @abstractmethod
    def _read_beside(self, folder: Path) -> None:
        """Read what faiss does not hold."""

    @final
    def _in_memory(self) -> None:
        if self.mapped:
            self._own()
            self.mapped = False

    @final
    def __getstate__(self) -> dict[str, Any]:
        self._in_memory()  # another process gets vectors, not the place of a file
        return dict(vars(self))

    @final
    def _more(self, labels: Vectors) -> Vectors:
        """Return the one more number of each: (k, 1)."""
        short = self.reach - _twice(labels, biased=self.biased)
        more: Vectors = np.sqrt(short.clip(0)).astype(np.float32)[:, None]
        return more

    @final
    def _plain(self, rows: Vectors) -> Vectors:
        """Leave the bias, or the 1 against it, away."""
        return rows[:, :-1] if self.biased else rows


@final
class Cells(Faiss):
    """Cells of k-means; those are looked through whose centres are nearest.

    Vectors are (v, b, a) for true scores; the centres' b are 0, as nearness goes by (v, a).
    """

    effort = 16

    @classmethod
    def _empty(cls, labels: Vectors, wanted: Wanted) -> Any:
        n, width = labels.shape
        cells = min(wanted.cells or 2 ** round(np.log2(n) / 2), max(1, n // A_CELL))
        centres = faiss.IndexFlatL2(width + 1)
        inner = faiss.IndexIVFFlat(centres, width + 1, cells, faiss.METRIC_INNER_PRODUCT)
        how = inner.cp
        how.niter, how.seed = ROUNDS, wanted.seed
        how.min_points_per_centroid, how.max_points_per_centroid = 1, SAMPLE
        return inner

    def _train(self, labels: Vectors, wanted: Wanted) -> None:
        sample, enough = labels, SAMPLE * self.inner.nlist
        if len(labels) > enough:
            random = np.random.default_rng(wanted.seed)
            sample = labels[np.sort(random.choice(len(labels), enough, replace=False))]
        self.inner.train(self._near(sample, self._more(sample)))

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        rows = np.column_stack([labels, more])
        _, cells = self.inner.quantizer.search(self._near(labels, more), 1)
        self.inner.add_core(len(rows), faiss.swig_ptr(rows), None, faiss.swig_ptr(cells))

    def _extend(self, reach: float) -> None:
        pass  # scores are true, whatever cell a label is in

    @property
    def most(self) -> int:
        return int(self.inner.nlist)

    def find(self, queries: Vectors, k: int, effort: int) -> Found:
        zeros, centres = np.zeros((len(queries), 1), np.float32), self.inner.quantizer
        self.inner.nprobe = min(effort, self.most)
        near, cells = _one_by_one(
            self._near(queries, zeros), lambda one: centres.search(one, self.inner.nprobe)
        )
        asked = np.column_stack([queries, zeros])
        found: Found = self.inner.search_preassigned(asked, k, cells, near)
        return found

    def _near(self, rows: Vectors, more: Vectors) -> Vectors:
        """Return what nearness goes by: (v, 0, a) where there is a bias, else (v, a)."""
        nothing = [np.zeros((len(rows), 1), np.float32)] if self.biased else []
        return np.column_stack([self._plain(rows), *nothing, more])

    def _own(self) -> None:
        mine = faiss.ArrayInvertedLists(self.inner.nlist, self.inner.code_size)
        every = faiss.InvertedLists.SUBSET_TYPE_ID_RANGE
        self.inner.invlists.copy_subset_to(mine, every, 0, self.inner.ntotal)
        self.inner.replace_invlists(mine, True)
        mine.this.disown()  # the index frees it

    @staticmethod
    def _class() -> type[Any]:
        kind: type[Any] = faiss.IndexIVFFlat
        return kind

    @staticmethod
    def _flag() -> int:
        return int(faiss.IO_FLAG_MMAP)

    @staticmethod
    def _stores_bias(*, biased: bool) -> bool:
        return biased

    def _write_beside(self, folder: Path) -> None:
        pass

    def _read_beside(self, folder: Path) -> None:
        pass


@final
class Graph(Faiss):
    """A graph of neighbours, walked from far to near; vectors are (v, a), biases lie beside them.

    Attributes
    ----------
    bias
        (n,), or (0,) where there is none.
    """

    effort = 64
    bias: Vectors = np.zeros(0, np.float32)

    @classmethod
    def _empty(cls, labels: Vectors, wanted: Wanted) -> Any:
        width = labels.shape[1] + 1 - wanted.biased
        inner = faiss.IndexHNSWFlat(width, wanted.neighbours, faiss.METRIC_L2)
        inner.hnsw.efConstruction = WIDENING
        return inner

    def _train(self, labels: Vectors, wanted: Wanted) -> None:
        pass  # the graph is all there is

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        self.inner.add(np.column_stack([self._plain(labels), more]))
        if self.biased:
            self.bias = np.concatenate([self.bias, labels[:, -1]])

    def _extend(self, reach: float) -> None:
        if not self.n or reach - self.reach <= SLACK * abs(self.reach):
            return
        old, n = self.inner, self.n
        self.inner = faiss.IndexHNSWFlat(old.d, old.hnsw.nb_neighbors(1), faiss.METRIC_L2)
        self.inner.hnsw.efConstruction = WIDENING
        self.reach, bias, self.bias = reach, self.bias, self.bias[:0]
        for at in range(0, n, BLOCK):
            block = old.reconstruct_n(at, min(BLOCK, n - at))[:, :-1]
            if self.biased:
                block = np.column_stack([block, bias[at : at + BLOCK]])
            self._keep(block, self._more(block))

    @property
    def most(self) -> int:
        return self.n

    def find(self, queries: Vectors, k: int, effort: int) -> Found:
        plain = self._plain(queries)
        asked = np.column_stack([plain, np.zeros((len(plain), 1), np.float32)])
        if effort >= self.n:
            _, positions = _one_by_one(asked, lambda one: self.inner.storage.search(one, k))
        else:
            kept = faiss.SearchParametersHNSW(efSearch=max(effort, k))
            _, positions = self.inner.search(asked, k, params=kept)
        return self._scores(plain, positions), positions

    def _scores(self, queries: Vectors, positions: Positions) -> Vectors:
        """Return true scores (n, k); distances are of squares and lose digits."""
        scores = np.full(positions.shape, -np.inf, np.float32)
        for i, found in enumerate(positions):
            there = found[found >= 0]
            vectors = self.inner.reconstruct_batch(there)[:, :-1].astype(np.float64)
            scores[i, found >= 0] = (vectors * queries[i]).sum(axis=1) + (
                self.bias[there] if self.biased else 0
            )
        return scores

    def _own(self) -> None:
        self.inner = faiss.deserialize_index(faiss.serialize_index(self.inner))

    @staticmethod
    def _class() -> type[Any]:
        kind: type[Any] = faiss.IndexHNSWFlat
        return kind

    @staticmethod
    def _flag() -> int:
        return int(faiss.IO_FLAG_MMAP_IFC)

    @staticmethod
    def _stores_bias(*, biased: bool) -> bool:
        del biased
        return False

    def _write_beside(self, folder: Path) -> None:
        if self.biased:
            np.save(folder / "bias.npy", self.bias)

    def _read_beside(self, folder: Path) -> None:
        if self.biased:
            self.bias = np.load(folder / "bias.npy", allow_pickle=False)


FORMS: Final[dict[str, type[Form]]] = {"exact": Exact, "ivf": Cells, "hnsw": Graph}


def _one_by_one(queries: Vectors, search: Callable[[Vectors], Found]) -> Found:
    """Search for each query alone: many at once are multiplied in another order of sums."""
    found = [search(queries[i : i + 1]) for i in range(len(queries))]
    scores, positions = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(positions)


def _reach(labels: Vectors, *, biased: bool) -> float:
    """Return the largest ‖v‖² + 2b; of no labels, −∞."""
    parts = [labels[at : at + BLOCK] for at in range(0, len(labels), BLOCK)]
    return max((float(_twice(part, biased=biased).max()) for part in parts), default=-np.inf)


def _twice(labels: Vectors, *, biased: bool) -> NDArray[np.float64]:
    """Return ‖v‖² + 2b of each label."""
    vectors = (labels[:, :-1] if biased else labels).astype(np.float64)
    bias = labels[:, -1].astype(np.float64) if biased else 0.0
    return np.asarray((vectors**2).sum(axis=1) + 2 * bias)
