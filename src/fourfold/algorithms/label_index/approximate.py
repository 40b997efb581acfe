"""Backends that search an index of faiss by nearness instead of by inner product."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

import faiss
import numpy as np

from fourfold.algorithms.label_index.backend import Backend, Options, in_blocks, one_by_one
from fourfold.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.algorithms.label_index.backend import Found, Positions, Vectors

__all__ = ["Hnsw", "Ivf"]

LEAST_PER_CELL: Final = 8
"""Least average number of vectors in a cell."""
ROUNDS: Final = 10
"""Of k-means."""
SAMPLE: Final = 64
"""Vectors per cell from which k-means learns."""
CANDIDATES: Final = 80
"""Candidates for a vector's neighbours while the graph is built."""
SLACK: Final = 1e-5
"""Relative excess of ‖v‖² + 2b for which the graph is not built again."""


class Approximate(Backend, ABC):
    """Vectors in an index of faiss, each with a further number a that makes the best the nearest.

    With a² = C − ‖v‖² − 2b, ‖(f, 0) − (v, a)‖² = ‖f‖² + C − 2(f·v + b).

    Attributes
    ----------
    inner, reach
        The index of faiss, and C, the largest ‖v‖² + 2b.
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
        biased = options.biased
        backend = cls(cls._empty(labels, options), _reach(labels, biased=biased), biased=biased)
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
        for part in in_blocks(len(labels)):
            self._keep(labels[part], self._further(labels[part]))

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
        path = str(folder / "labels.faiss")
        # a file may name another one for its lists, which is looked for beside it alone
        flags = cls.mapping | faiss.IO_FLAG_ONDISK_SAME_DIR | faiss.IO_FLAG_READ_ONLY
        inner = faiss.read_index(path, flags)
        lists = isinstance(inner, faiss.IndexIVF) and faiss.downcast_InvertedLists(inner.invlists)
        if isinstance(lists, faiss.OnDiskInvertedLists) and lists.filename:
            raise BundleError(f"{path} must hold its vectors; it names another file")
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
        short = (self.reach - _squares(labels, biased=self.biased)).clip(0)
        further: Vectors = np.sqrt(short).astype(np.float32)[:, None]
        return further

    @final
    def _plain(self, rows: Vectors) -> Vectors:
        """Return vectors or queries without the bias or its 1."""
        return rows[:, :-1] if self.biased else rows


def _reach(labels: Vectors, *, biased: bool) -> float:
    """Return the largest ‖v‖² + 2b; −∞ without vectors."""
    parts = in_blocks(len(labels))
    squares = (_squares(labels[part], biased=biased) for part in parts)
    return max((float(each.max()) for each in squares), default=-np.inf)


def _squares(labels: Vectors, *, biased: bool) -> NDArray[np.float64]:
    """Return ‖v‖² + 2b of each vector."""
    vectors = (labels[:, :-1] if biased else labels).astype(np.float64)
    bias = labels[:, -1].astype(np.float64) if biased else 0.0
    return np.asarray((vectors**2).sum(axis=1) + 2 * bias)


@final
class Ivf(Approximate):
    """Cells of k-means, of which a search takes those with the nearest centres.

    Vectors are (v, b, a), for true scores; b of the centres is 0, as nearness goes by (v, a).
    """

    effort = 16
    index_class = faiss.IndexIVFFlat
    mapping = faiss.IO_FLAG_MMAP
    stores_bias = True

    @classmethod
    def _empty(cls, labels: Vectors, options: Options) -> Any:
        n, width = labels.shape
        cells = min(options.cells or 2 ** round(np.log2(n) / 2), max(1, n // LEAST_PER_CELL))
        centres = faiss.IndexFlatL2(width + 1)
        inner = faiss.IndexIVFFlat(centres, width + 1, cells, faiss.METRIC_INNER_PRODUCT)
        k_means = inner.cp
        k_means.niter, k_means.seed = ROUNDS, options.seed
        k_means.min_points_per_centroid, k_means.max_points_per_centroid = 1, SAMPLE
        return inner

    def _train(self, labels: Vectors, options: Options) -> None:
        enough = SAMPLE * self.inner.nlist
        if len(labels) > enough:
            random = np.random.default_rng(options.seed)
            labels = labels[np.sort(random.choice(len(labels), enough, replace=False))]
        self.inner.train(self._near(labels, self._further(labels)))

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        rows = np.column_stack([labels, more])
        _, cells = self.inner.quantizer.search(self._near(labels, more), 1)
        self.inner.add_core(len(rows), faiss.swig_ptr(rows), None, faiss.swig_ptr(cells))

    def _extend(self, reach: float) -> None:
        pass  # scores are true in any cell

    @property
    def max_effort(self) -> int:
        return int(self.inner.nlist)

    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        zeros, centres = np.zeros((len(queries), 1), np.float32), self.inner.quantizer
        self.inner.nprobe = probes = min(effort, self.max_effort)
        place = self._near(queries, zeros)
        near, cells = one_by_one(place, lambda one: centres.search(one, probes))
        asked = np.column_stack([queries, zeros])
        found: Found = self.inner.search_preassigned(asked, k, cells, near)
        return found

    def _near(self, rows: Vectors, more: Vectors) -> Vectors:
        """Return the vectors that are compared to centres: (v, 0, a) with a bias, else (v, a)."""
        no_bias = [np.zeros((len(rows), 1), np.float32)] if self.biased else []
        return np.column_stack([self._plain(rows), *no_bias, more])

    def _load(self) -> None:
        mine = faiss.ArrayInvertedLists(self.inner.nlist, self.inner.code_size)
        every = faiss.InvertedLists.SUBSET_TYPE_ID_RANGE
        self.inner.invlists.copy_subset_to(mine, every, 0, self.inner.ntotal)
        self.inner.replace_invlists(mine, True)
        mine.this.disown()  # the index frees it


@final
class Hnsw(Approximate):
    """A graph of neighbours; vectors are (v, a), and biases are kept apart."""

    effort = 64
    index_class = faiss.IndexHNSWFlat
    mapping = faiss.IO_FLAG_MMAP_IFC
    stores_bias = False

    @classmethod
    def _empty(cls, labels: Vectors, options: Options) -> Any:
        return _graph(labels.shape[1] + 1 - options.biased, options.neighbours)

    def _train(self, labels: Vectors, options: Options) -> None:
        pass  # the graph alone is the structure

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        self.inner.add(np.column_stack([self._plain(labels), more]))
        if self.biased:
            self.bias = np.concatenate([self.bias, labels[:, -1]])

    def _extend(self, reach: float) -> None:
        if not self.n or reach - self.reach <= SLACK * abs(self.reach):
            return
        old, n = self.inner, self.n
        self.inner = _graph(old.d, old.hnsw.nb_neighbors(1))
        self.reach, bias, self.bias = reach, self.bias, self.bias[:0]
        for part in in_blocks(n):
            block = old.reconstruct_n(part.start, part.stop - part.start)[:, :-1]
            if self.biased:
                block = np.column_stack([block, bias[part]])
            self._keep(block, self._further(block))

    @property
    def max_effort(self) -> int:
        return self.n

    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        plain = self._plain(queries)
        asked = np.column_stack([plain, np.zeros((len(plain), 1), np.float32)])
        if effort >= self.n:
            _, positions = one_by_one(asked, lambda one: self.inner.storage.search(one, k))
        else:
            kept = faiss.SearchParametersHNSW(efSearch=max(effort, k))
            _, positions = self.inner.search(asked, k, params=kept)
        return self._scores(plain, positions), positions

    def _scores(self, queries: Vectors, positions: Positions) -> Vectors:
        """Return true scores (n, k); faiss's squared distances lose digits."""
        scores = np.full(positions.shape, -np.inf, np.float32)
        for i, found in enumerate(positions):
            there = found[found >= 0]
            vectors = self.inner.reconstruct_batch(there)[:, :-1].astype(np.float64)
            bias = self.bias[there] if self.biased else 0
            scores[i, found >= 0] = (vectors * queries[i]).sum(axis=1) + bias
        return scores

    def _load(self) -> None:
        self.inner = faiss.deserialize_index(faiss.serialize_index(self.inner))


def _graph(width: int, neighbours: int) -> Any:
    inner = faiss.IndexHNSWFlat(width, neighbours, faiss.METRIC_L2)
    inner.hnsw.efConstruction = CANDIDATES
    return inner
