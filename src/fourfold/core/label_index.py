"""Very many labels: the vectors with the largest inner products, found without looking at all."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, final

import numpy as np

from fourfold.core.parameters import Fraction, Parameters, PositiveInt
from fourfold.core.process import threads
from fourfold.errors import BundleError, DataError, MissingExtraError, ParameterError

try:
    import faiss
except ImportError as error:
    raise MissingExtraError(error.name or "faiss", "labels") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Vectors = NDArray[np.float32]
    Positions = NDArray[np.int64]
    Found = tuple[Vectors, Positions]

__all__ = ["LabelIndex"]

FORMAT: Final = 1
MANY: Final = 50_000
"""From so many labels on, looking at all of them costs more than a step of a network."""
A_CELL: Final = 8
"""A cell holds at least so many labels on average, so that there is something to leave out."""
ROUNDS: Final = 10
"""Of k-means; more hardly move the cells."""
SAMPLE: Final = 64
"""Labels a cell that k-means looks at."""
WIDENING: Final = 80
"""How many candidates a label's neighbours are chosen from while the graph is built."""
ROUNDING: Final = 1e-5
"""Inner products that differ by a smaller part are equal."""
SLACK: Final = 1e-5
"""By so small a part a label may reach farther than those a graph was built of."""
BLOCK: Final = 1 << 16
"""Labels that are checked and widened at a time."""


@final
class LabelIndex(Parameters):
    """The labels with the largest scores f(x)·v + b, without looking at every vector v.

    Each query is searched for by itself, so that its answer is the same bit for bit in any batch;
    scores are true inner products of 32-bit floats in every kind.

    Parameters
    ----------
    kind
        ``"exact"`` looks at every label; ``"ivf"`` at those of the nearest of k-means' cells;
        ``"hnsw"`` walks a graph of neighbours, which takes far longer to build. ``"auto"`` is exact
        below 50 000 labels and ivf from there.
    cells
        How many, of ivf; None is the power of two next to the root of the number of labels.
    neighbours
        Of a label in the graph, of hnsw.
    effort
        How many cells are looked through (ivf), or candidates are kept on the way (hnsw): more find
        the largest more often, and take longer. None is 16 and 64; see :meth:`calibrate`.
    random_state
        Seed of k-means.

    Attributes
    ----------
    kind_
        What ``"auto"`` became.
    effort_
        What a search spends; 0 for exact.
    width_
        d, how many numbers a vector has.
    biased_
        Whether labels have a bias b.

    Raises
    ------
    MissingExtraError
        If faiss is not installed, when this module is imported.

    Notes
    -----
    Cells and graphs go by nearness, not by inner products, and the two agree once each vector has
    one more number, a, against a 0 in the query, with a² = C − ‖v‖² − 2b: then
    ‖(f, 0) − (v, a)‖² = ‖f‖² + C − 2(f·v + b). For b = −‖v‖²/2, the nearest label, and for vectors
    of one length, a is the same for all. Where lengths differ much beside that, a hides what
    structure there is, and much must be looked at: :meth:`calibrate` tells.

    References
    ----------
    Douze et al., The Faiss Library, 2024. Malkov & Yashunin, Efficient and Robust Approximate
    Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs, TPAMI 2020. Bachrach
    et al., Speeding Up the Xbox Recommender System Using a Euclidean Transformation for
    Inner-Product Spaces, RecSys 2014 (the one more number).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> pictures = load_digits().data
    >>> pictures /= (pictures**2).sum(axis=1, keepdims=True) ** 0.5
    >>> index = LabelIndex(kind="ivf").build(pictures[10:])
    >>> scores, positions = index.search(pictures[:3], k=2)
    >>> positions.shape, load_digits().target[10:][positions[:, 0]]
    ((3, 2), array([0, 1, 2]))
    """

    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto"
    cells: PositiveInt | None = None
    neighbours: PositiveInt = 16
    effort: PositiveInt | None = None
    random_state: int = 0

    def build(self, vectors: ArrayLike, bias: ArrayLike | None = None) -> Self:
        """Build the index, with one thread: the same vectors give the same index.

        Parameters
        ----------
        vectors
            (k, d) of the labels. An exact index without bias keeps them as they are, also a memory
            map.
        bias
            (k,) what is added to the inner products with each.

        Raises
        ------
        ParameterError
            If a parameter is out of its bounds.
        DataError
            If there are no vectors, or they are not finite.
        """
        self.check()
        labels = _matrix(vectors, "vectors of labels")
        if not labels.size:
            raise DataError(f"there must be a label's vector; got shape {labels.shape}")
        _check_finite(labels, "vectors of labels")
        self.biased_, self.width_ = bias is not None, labels.shape[1]
        labels = self._with_bias(labels, bias)
        kind = self.kind if self.kind != "auto" else "ivf" if len(labels) >= MANY else "exact"
        self.kind_ = kind
        with threads(1):
            self.form_: _Form = FORMS[kind].build(labels, self)
        usual = self.form_.effort
        self.effort_ = (self.effort or usual) if usual else 0
        return self

    @property
    def n(self) -> int:
        """How many labels there are."""
        return self.form_.n

    def add(self, vectors: ArrayLike, bias: ArrayLike | None = None) -> Self:
        """Add labels, numbered on from the last; cells stay as they are, a graph grows.

        A graph is built again if one has a larger ‖v‖² + 2b than all before; vectors of length 1
        have not.

        Parameters
        ----------
        vectors
            (k, d).
        bias
            (k,), if the labels before have one.

        Raises
        ------
        DataError
            If they have another width, or are not finite, or only some have a bias.
        """
        new = self._with_bias(self._fitting(vectors, "vectors of labels"), bias)
        with threads(1):
            self.form_.add(new)
        return self

    def search(self, queries: ArrayLike, k: int = 1) -> Found:
        """Find the labels with the largest scores.

        Parameters
        ----------
        queries
            (n, d).
        k
            How many labels for each.

        Returns
        -------
        scores
            (n, k), the largest first.
        positions
            (n, k) of labels, in the order of their vectors; of equal scores the first stands first.

        Raises
        ------
        DataError
            If the queries have another width, or are not finite.
        ParameterError
            If k is none of 1 to the number of labels.
        """
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        return self._search(self._fitting(queries, "queries"), k, self.effort_)

    def calibrate(self, queries: ArrayLike, *, recall: Fraction = 0.99, k: int = 1) -> Self:
        """Choose the least effort, of 1, 2, 3, 4, 6, 8, 12 ..., that finds what an exact one does.

        Parameters
        ----------
        queries
            (n, d) of the kind that will be asked, such as the features of training rows. A few
            hundred will do; each is also searched for exactly.
        recall
            The share of the exact answers, k for each query, that is to be found.
        k
            How many answers for each.

        Raises
        ------
        DataError, ParameterError
            As in :meth:`search`; also if there are no queries, or recall is none of 0 to 1.
        """
        asked = self._fitting(queries, "queries")
        if not len(asked):
            raise DataError("there must be queries to calibrate with; got none")
        if not 0 <= recall <= 1:
            raise ParameterError(f"recall must lie in [0, 1]; got {recall}")
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        if not self.form_.effort:
            return self
        everything = self.form_.most
        exact, _ = self._search(asked, k, everything)
        enough = exact[:, -1:] - ROUNDING * np.abs(exact[:, -1:])  # an equal one is as good
        for effort in _steps(everything):
            scores, _ = self._search(asked, k, effort)
            if (scores >= enough).mean() >= recall:
                self.effort_ = effort
                return self
        self.effort_ = everything
        return self

    def save(self, folder: Path | str) -> None:
        """Write the index into a folder, next to whatever it holds.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        place = Path(folder)
        about = {
            "format": FORMAT,
            "parameters": self.get_params(),
            "kind": self.kind_,
            "effort": self.effort_,
            "width": self.width_,
            "biased": self.biased_,
            **self.form_.write(place),
        }
        (place / "labels.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open an index that was saved; its vectors stay on the disk, memory-mapped.

        Raises
        ------
        BundleError
            If it is damaged, or none of ours.
        """
        place = Path(folder)
        try:
            about = json.loads((place / "labels.json").read_text(encoding="utf-8"))
            _check_format(about["format"], place)
            index = cls(**about["parameters"])
            index.kind_, index.effort_ = about["kind"], about["effort"]
            index.width_, index.biased_ = about["width"], about["biased"]
            index.form_ = FORMS[index.kind_].read(place, about)
        except BundleError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise BundleError(
                f"{place} must hold a whole index of labels; got {' '.join(str(error).split())}"
            ) from error
        return index

    def _fitting(self, values: ArrayLike, what: str) -> Vectors:
        rows = _matrix(values, what)
        if rows.shape[1] != self.width_:
            raise DataError(
                f"{what} must be of width {self.width_}, as the index is; got {rows.shape[1]}"
            )
        _check_finite(rows, what)
        return rows

    def _with_bias(self, vectors: Vectors, bias: ArrayLike | None) -> Vectors:
        """Put each label's bias behind its vector: (k, d + 1)."""
        if (bias is not None) != self.biased_:
            raise DataError(
                "labels must all have a bias or none; those in the index have "
                f"{'one' if self.biased_ else 'none'}, those added have another"
            )
        if bias is None:
            return vectors
        column = _matrix(np.reshape(np.asarray(bias), (-1, 1)), "bias of labels")
        if len(column) != len(vectors):
            raise DataError(f"bias must be of {len(vectors)} labels; got {len(column)}")
        _check_finite(column, "bias of labels")
        return np.column_stack([vectors, column])

    def _search(self, queries: Vectors, k: int, effort: int) -> Found:
        if not len(queries):
            return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
        if self.biased_:
            queries = np.column_stack([queries, np.ones(len(queries), np.float32)])
        scores, positions = self.form_.find(queries, k, effort)
        short = np.flatnonzero((positions < 0).any(axis=1))
        if len(short):  # cells hold too few labels, or a graph's paths end
            scores[short], positions[short] = self.form_.find(queries[short], k, self.form_.most)
        order = np.lexsort((positions, -scores), axis=1)
        return np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)


class _Form(ABC):
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
    def build(cls, labels: Vectors, index: LabelIndex) -> Self:
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
class _Exact(_Form):
    """Vectors as they are, maybe in a memory map; all are looked at."""

    effort = 0

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    @classmethod
    def build(cls, labels: Vectors, index: LabelIndex) -> Self:
        del index
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


class _Faiss(_Form, ABC):
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
    def build(cls, labels: Vectors, index: LabelIndex) -> Self:
        reach = _reach(labels, biased=index.biased_)
        form = cls(cls._empty(labels, index), reach, biased=index.biased_)
        form._train(labels, index)
        form.add(labels)
        return form

    @classmethod
    @abstractmethod
    def _empty(cls, labels: Vectors, index: LabelIndex) -> Any:
        """Make an index of faiss without vectors."""

    @abstractmethod
    def _train(self, labels: Vectors, index: LabelIndex) -> None:
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
class _Cells(_Faiss):
    """Cells of k-means; those are looked through whose centres are nearest.

    Vectors are (v, b, a) for true scores; the centres' b are 0, as nearness goes by (v, a).
    """

    effort = 16

    @classmethod
    def _empty(cls, labels: Vectors, index: LabelIndex) -> Any:
        n, width = labels.shape
        cells = min(index.cells or 2 ** round(np.log2(n) / 2), max(1, n // A_CELL))
        centres = faiss.IndexFlatL2(width + 1)
        inner = faiss.IndexIVFFlat(centres, width + 1, cells, faiss.METRIC_INNER_PRODUCT)
        how = inner.cp
        how.niter, how.seed = ROUNDS, index.random_state
        how.min_points_per_centroid, how.max_points_per_centroid = 1, SAMPLE
        return inner

    def _train(self, labels: Vectors, index: LabelIndex) -> None:
        sample, wanted = labels, SAMPLE * self.inner.nlist
        if len(labels) > wanted:
            random = np.random.default_rng(index.random_state)
            sample = labels[np.sort(random.choice(len(labels), wanted, replace=False))]
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
class _Graph(_Faiss):
    """A graph of neighbours, walked from far to near; vectors are (v, a), biases lie beside them.

    Attributes
    ----------
    bias
        (n,), or (0,) where there is none.
    """

    effort = 64
    bias: Vectors = np.zeros(0, np.float32)

    @classmethod
    def _empty(cls, labels: Vectors, index: LabelIndex) -> Any:
        width = labels.shape[1] + 1 - index.biased_
        inner = faiss.IndexHNSWFlat(width, index.neighbours, faiss.METRIC_L2)
        inner.hnsw.efConstruction = WIDENING
        return inner

    def _train(self, labels: Vectors, index: LabelIndex) -> None:
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


FORMS: Final[dict[str, type[_Form]]] = {"exact": _Exact, "ivf": _Cells, "hnsw": _Graph}


def _steps(most: int) -> list[int]:
    """List the efforts below the largest, a third or a half apart."""
    powers = [2**i for i in range(most.bit_length())]
    return sorted({step for power in powers for step in (power, power * 3 // 2) if step < most})


def _one_by_one(queries: Vectors, search: Callable[[Vectors], Found]) -> Found:
    """Search for each query alone: many at once are multiplied in another order of sums."""
    found = [search(queries[i : i + 1]) for i in range(len(queries))]
    scores, positions = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(positions)


def _matrix(values: ArrayLike, what: str) -> Vectors:
    """Make a matrix of floats; one that is of 32 bits already is not copied."""
    rows = np.ascontiguousarray(values, np.float32)
    if rows.ndim != 2:
        raise DataError(f"{what} must be (n, d); got an array of shape {np.shape(values)}")
    return rows


def _check_finite(rows: Vectors, what: str) -> None:
    for at in range(0, len(rows), BLOCK):
        fine = np.isfinite(rows[at : at + BLOCK]).all(axis=1)
        if not fine.all():
            raise DataError(
                f"{what} must be finite; got NaN or infinity in row {at + int(fine.argmin())}"
            )


def _check_format(found: int, place: Path) -> None:
    if found > FORMAT:
        raise BundleError(
            f"the index of labels in {place} must be of format {FORMAT} or older; got {found}: "
            "update fourfold"
        )


def _reach(labels: Vectors, *, biased: bool) -> float:
    """Return the largest ‖v‖² + 2b; of no labels, −∞."""
    parts = [labels[at : at + BLOCK] for at in range(0, len(labels), BLOCK)]
    return max((float(_twice(part, biased=biased).max()) for part in parts), default=-np.inf)


def _twice(labels: Vectors, *, biased: bool) -> NDArray[np.float64]:
    """Return ‖v‖² + 2b of each label."""
    vectors = (labels[:, :-1] if biased else labels).astype(np.float64)
    bias = labels[:, -1].astype(np.float64) if biased else 0.0
    return np.asarray((vectors**2).sum(axis=1) + 2 * bias)
