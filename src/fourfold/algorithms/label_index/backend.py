"""Vectors that faiss can handle, the interface of all ways to search them, and the exact one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self, TypeAlias, final

import faiss
import numpy as np

from fourfold.errors import BundleError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    Positions: TypeAlias = NDArray[np.int64]
    Found: TypeAlias = tuple[Vectors, Positions]

__all__ = [
    "LABELS",
    "Backend",
    "Exact",
    "Options",
    "as_matrix",
    "as_vectors",
    "check_finite",
    "in_blocks",
    "least_effort",
    "one_by_one",
    "search_in_order",
    "with_bias",
]

ROUNDING: Final = 1e-5
"""Relative difference below which inner products count as equal."""
LABELS: Final = "vectors of labels"
"""Their name in error messages."""

BLOCK: Final = 1 << 16
"""Vectors that are handled at a time."""
LARGEST: Final = 1e37
"""Bound of squared lengths plus twice the bias: distances must fit into 32-bit floats."""


class Options(NamedTuple):
    """The settings of a backend.

    They are whether the last number of a vector is its bias, the number of cells (None chooses it
    by that of the vectors), that of a vector's neighbours in a graph, and the seed of k-means.
    """

    biased: bool
    cells: int | None
    neighbours: int
    seed: int


class Backend(ABC):
    """A searchable collection of vectors.

    With biases, the last number of a vector is its bias, and the last number of a query is 1.

    Attributes
    ----------
    effort
        Default cost of a search; 0 for a backend without a choice.
    """

    effort: ClassVar[int]

    @classmethod
    @abstractmethod
    def build(cls, labels: Vectors, options: Options) -> Self:
        """Keep vectors (k, d)."""

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of vectors."""

    @property
    @abstractmethod
    def max_effort(self) -> int:
        """The effort of an exact search."""

    @abstractmethod
    def add(self, labels: Vectors) -> None:
        """Keep more vectors."""

    @abstractmethod
    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        """Search for each query (n, d) alone: scores and positions (n, k), −1 for none."""

    @abstractmethod
    def write(self, folder: Path) -> dict[str, Any]:
        """Write the vectors; return further settings for :meth:`read`, as JSON."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        """Open written vectors, memory-mapped."""


def one_by_one(queries: Vectors, search: Callable[[Vectors], Found]) -> Found:
    """Search for each query alone, since sums of several are in another order."""
    scores, positions = zip(*(search(query[None]) for query in queries), strict=True)
    return np.concatenate(scores), np.concatenate(positions)


def search_in_order(backend: Backend, queries: Vectors, k: int, effort: int) -> Found:
    """Search for queries (n, d): scores and positions (n, k), the largest score first."""
    if not len(queries):
        return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
    scores, positions = backend.search(queries, k, effort)
    short = np.flatnonzero((positions < 0).any(axis=1))
    if len(short):  # cells hold too few labels, or a graph's paths end
        scores[short], positions[short] = backend.search(queries[short], k, backend.max_effort)
    order = np.lexsort((positions, -scores), axis=1)
    return np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)


def least_effort(backend: Backend, queries: Vectors, k: int, recall: float) -> int:
    """Return the least effort, of 1, 2, 3, 4, 6 ..., with a recall of the k exact answers."""
    exact, _ = search_in_order(backend, queries, k, backend.max_effort)
    enough = exact[:, -1:] - ROUNDING * np.abs(exact[:, -1:])  # equal scores count as found
    powers = [1 << i for i in range(backend.max_effort.bit_length())]
    for effort in sorted({*powers, *(power * 3 // 2 for power in powers)}):
        if effort < backend.max_effort:
            scores, _ = search_in_order(backend, queries, k, effort)
            if (scores >= enough).mean() >= recall:
                return effort
    return backend.max_effort


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


def in_blocks(n: int) -> Iterator[slice]:
    """Cut n vectors into blocks."""
    return (slice(at, min(at + BLOCK, n)) for at in range(0, n, BLOCK))


def as_matrix(values: ArrayLike, what: str) -> Vectors:
    """Return a matrix of 32-bit floats; one that is such already is not copied."""
    rows = _as_numbers(values, what)
    if rows.ndim != 2:
        raise DataError(f"{what} must be (n, d); got an array of shape {rows.shape}")
    return np.ascontiguousarray(rows)


def as_vectors(values: ArrayLike, what: str, width: int) -> Vectors:
    """Return vectors (n, width) of 32-bit floats, finite and short enough for faiss."""
    rows = as_matrix(values, what)
    if rows.shape[1] != width:
        raise DataError(f"{what} must be of width {width}, as the index is; got {rows.shape[1]}")
    check_finite(rows, what)
    _check_lengths(rows, what)
    return rows


def with_bias(vectors: Vectors, bias: ArrayLike | None, *, biased: bool) -> Vectors:
    """Append each label's bias to its vector, (k, d + 1), if the index is biased."""
    if (bias is not None) != biased:
        raise DataError(
            "labels must all have a bias or none; those in the index have "
            f"{'one' if biased else 'none'}, those added have another"
        )
    if bias is None:
        _check_lengths(vectors, LABELS)
        return vectors
    column = _as_numbers(bias, "bias of labels").reshape(-1, 1)
    if len(column) != len(vectors):
        raise DataError(f"bias must be of {len(vectors)} labels; got {len(column)}")
    check_finite(column, "bias of labels")
    _check_lengths(vectors, LABELS, column[:, 0])
    return np.column_stack([vectors, column])


def _as_numbers(values: ArrayLike, what: str) -> Vectors:
    """Return an array of 32-bit floats; numbers that are too large become infinite."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of several lengths
        raise DataError(f"{what} must be an array of real numbers; got: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} must be real numbers; got {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def check_finite(rows: Vectors, what: str) -> None:
    """Refuse rows (n, d) with NaN or infinity."""
    for part in in_blocks(len(rows)):
        fine = np.isfinite(rows[part]).all(axis=1)
        if not fine.all():
            bad = part.start + int(fine.argmin())
            raise DataError(f"{what} must be finite; got NaN or infinity in row {bad}")


def _check_lengths(rows: Vectors, what: str, bias: Vectors | None = None) -> None:
    """Refuse rows whose distances do not fit into 32-bit floats: faiss aborts on them."""
    for part in in_blocks(len(rows)):
        with np.errstate(over="ignore"):
            square = np.einsum("nd,nd->n", rows[part], rows[part])
            if bias is not None:
                square = square + 2 * np.abs(bias[part])
        worst = int(square.argmax())
        if square[worst] > LARGEST:
            bad = part.start + worst
            raise DataError(
                f"{what} must have squared lengths{'' if bias is None else ' + 2 |bias|'} of at "
                f"most {LARGEST:.0e}; got {square[worst]:.3g} in row {bad}: scale them down"
            )
