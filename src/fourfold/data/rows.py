"""Rows: inputs that are read when they are needed, whatever they are kept in.

Everything above reads inputs through :class:`Rows`, so that an array in memory, a memory map, a
sparse matrix, a data frame and a folder of pictures are one thing, and none is ever copied whole.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Keys: TypeAlias = NDArray[np.void]
    Index: TypeAlias = NDArray[np.intp]

__all__ = [
    "ArrayRows",
    "ColumnRows",
    "FrameRows",
    "PickedRows",
    "Rows",
    "SparseRows",
    "StackedRows",
    "TextRows",
    "as_rows",
    "evenly",
    "loaded",
]

KEY: Final = np.dtype("V16")
"""A row's key: 16 bytes of xxh3-128 over its content."""
BLOCK_BYTES: Final = 1 << 24
"""Whole passes over rows read about so many bytes at a time."""


def loaded(package: str, kind: str) -> type[Any]:
    """Return a class of a package if that is imported already, else a class without instances.

    What nobody imported cannot be passed to us, so an ``isinstance`` needs no import of its own.
    """
    module: Any = sys.modules.get(package)
    for part in kind.split("."):
        module = getattr(module, part, None)
    return module if isinstance(module, type) else _Nothing


def evenly(n: int, most: int) -> Index:
    """Return at most so many of n positions, evenly spread from the first to the last.

    Examples
    --------
    >>> evenly(9, 3), evenly(2, 3)
    (array([0, 4, 8]), array([0, 1]))
    """
    return np.linspace(0, n - 1, min(n, most)).astype(np.intp)


class _Nothing:
    """What an object of a library that was never imported would be."""


class Rows(ABC):
    """A sequence of inputs, read by position.

    Attributes
    ----------
    kind
        ``"array"``, ``"sparse"``, ``"table"``, ``"pictures"``, ``"sounds"`` or ``"texts"``.
    """

    kind: str = "array"

    @property
    @abstractmethod
    def n(self) -> int:
        """How many rows there are."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """The type of a row's elements."""

    @abstractmethod
    def take(self, index: Index) -> Any:
        """Read the rows at these positions: (len(index), *shape)."""

    @abstractmethod
    def subset(self, index: Index) -> Rows:
        """Return the rows at these positions as Rows; nothing large is copied."""

    def _hash(self) -> Keys:
        """Compute each row's key; override where there is a cheaper way than reading."""
        from xxhash import xxh3_128_digest

        salt = f"{self.dtype.str}{self.shape}".encode()
        keys = np.empty(self.n, KEY)
        at = 0
        for block in self.blocks():
            block_ = np.ascontiguousarray(block)
            for row in block_.reshape(len(block_), -1):
                keys[at] = np.void(xxh3_128_digest(row.tobytes() + salt))
                at += 1
        return keys

    @cached_property
    def keys(self) -> Keys:
        """A key per row, by content: (n,) of 16 bytes; computed once."""
        return self._hash()

    @cached_property
    def digest(self) -> str:
        """One name for the content of all rows, in order: 32 hex digits."""
        from xxhash import xxh3_128_hexdigest

        return xxh3_128_hexdigest(self.keys.tobytes())

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, as ``take`` returns it."""
        return max(1, int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize)

    def blocks(self, size: int | None = None) -> Iterator[Any]:
        """Pass over all rows in order, ``size`` rows (by default about 16 MB) at a time."""
        size = size or max(1, BLOCK_BYTES // self.row_bytes)
        for start in range(0, self.n, size):
            yield self.take(np.arange(start, min(start + size, self.n)))

    def sample(self, most: int) -> Any:
        """Read at most ``most`` rows, evenly spread over all."""
        return self.take(evenly(self.n, most))


@final
class ArrayRows(Rows):
    """Rows of an array or a memory map.

    Parameters
    ----------
    array
        (N, *shape), of numbers; never copied.
    index
        Which rows of it, in which order; all by default.
    """

    kind = "array"

    def __init__(self, array: NDArray[Any], index: Index | None = None) -> None:
        self.array = array
        self.index = index

    @property
    def n(self) -> int:
        return len(self.array) if self.index is None else len(self.index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def take(self, index: Index) -> NDArray[Any]:
        where = index if self.index is None else self.index[index]
        if len(where) and where[-1] - where[0] == len(where) - 1 and (np.diff(where) == 1).all():
            return np.asarray(self.array[where[0] : where[-1] + 1])
        return np.asarray(self.array[where])

    def subset(self, index: Index) -> ArrayRows:
        return ArrayRows(self.array, index if self.index is None else self.index[index])

    @property
    def in_memory(self) -> NDArray[Any] | None:
        """The whole array where it lies in memory and in order, else None."""
        return None if self.index is not None or isinstance(self.array, np.memmap) else self.array


@final
class SparseRows(Rows):
    """Rows of a sparse matrix, read as dense float32.

    Parameters
    ----------
    matrix
        (N, d), any scipy.sparse format; kept as CSR.
    """

    kind = "sparse"

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.tocsr()

    @property
    def n(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self.matrix.shape[1]),)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def take(self, index: Index) -> NDArray[np.float32]:
        dense: NDArray[np.float32] = self.matrix[index].toarray().astype(np.float32, copy=False)
        return dense

    def subset(self, index: Index) -> SparseRows:
        return SparseRows(self.matrix[index])

    def _hash(self) -> Keys:
        from xxhash import xxh3_128_digest

        m, salt = self.matrix.sorted_indices(), f"{self.matrix.dtype.str}{self.shape}".encode()
        keys = np.empty(self.n, KEY)
        for i in range(self.n):
            part = slice(m.indptr[i], m.indptr[i + 1])
            content = m.indices[part].astype(np.int64).tobytes() + m.data[part].tobytes()
            keys[i] = np.void(xxh3_128_digest(content + salt))
        return keys


@final
class FrameRows(Rows):
    """Rows of a data frame: numbers, categories, dates, texts, with missing cells.

    Parameters
    ----------
    frame
        A pandas DataFrame; column names are part of the input.
    """

    kind = "table"

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    @property
    def n(self) -> int:
        return len(self.frame)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.frame.shape[1],)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(object)

    def take(self, index: Index) -> Any:
        return self.frame.iloc[index]

    def subset(self, index: Index) -> FrameRows:
        return FrameRows(self.frame.iloc[index])

    def _hash(self) -> Keys:
        import pandas as pd
        from xxhash import xxh3_128_digest

        columns = repr([(str(name), str(kind)) for name, kind in self.frame.dtypes.items()])
        plain = self.frame.astype(dict.fromkeys(self.frame.select_dtypes("category"), object))
        values = pd.util.hash_pandas_object(plain, index=False).to_numpy()
        keys = np.empty(self.n, KEY)
        for i, value in enumerate(values):
            keys[i] = np.void(xxh3_128_digest(value.tobytes() + columns.encode()))
        return keys


@final
class TextRows(Rows):
    """Rows of texts, each as long as it is.

    Parameters
    ----------
    texts
        (n,) strings, each with something in it.
    column
        What the table's column was called that they come from; None where they come from none.

    Raises
    ------
    DataError
        If one is no string, is missing, or is empty.

    Examples
    --------
    >>> TextRows(["a text", "another"]).take(np.array([1]))
    array(['another'], dtype=object)
    """

    kind = "texts"

    def __init__(self, texts: Sequence[Any] | NDArray[Any], column: str | None = None) -> None:
        self.texts: NDArray[Any] = np.empty(len(texts), object)
        self.texts[:] = list(texts)
        self.column = column
        for at, text in enumerate(self.texts):
            fault = _fault(text)
            if fault:
                called = f"text {at}" + ("" if column is None else f" of column {column!r}")
                raise DataError(
                    f"{called} (counted from 0) must be a string with something in it; "
                    f"got {fault}: leave it out, and its label"
                )

    @property
    def n(self) -> int:
        return len(self.texts)

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(object)

    def take(self, index: Index) -> NDArray[Any]:
        return self.texts[index]

    def subset(self, index: Index) -> TextRows:
        part = object.__new__(TextRows)
        part.texts, part.column = self.texts[index], self.column
        return part

    def _hash(self) -> Keys:
        from xxhash import xxh3_128_digest

        keys = np.empty(self.n, KEY)
        for i, text in enumerate(self.texts):
            keys[i] = np.void(xxh3_128_digest(b"text " + text.encode()))
        return keys


@final
class ColumnRows(Rows):
    """Rows of a Hugging Face dataset's column of arrays or pictures, read when needed.

    Parameters
    ----------
    cells
        A ``Dataset`` in NumPy format.
    column
        Its column of numeric arrays; numbers are read as float32 or int64, pictures as uint8.
    index
        Which rows of it, in which order; all by default.

    Raises
    ------
    DataError
        When rows are read, if one has another shape than the first.
    """

    def __init__(self, cells: Any, column: str, index: Index | None = None) -> None:
        self.cells, self.column = cells, column
        self.index = np.arange(len(cells)) if index is None else index
        self._first: NDArray[Any] = cells[0][column]
        pictures = isinstance(cells.features[column], loaded("datasets", "Image"))
        self.kind = "pictures" if pictures and self._first.ndim == 3 else "array"

    @property
    def n(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._first.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._first.dtype

    def take(self, index: Index) -> NDArray[Any]:
        read = self.cells[self.index[index]][self.column] if len(index) else []
        for row in read:
            if row is None or np.shape(row) != self.shape:
                got = "a missing cell" if row is None else f"one of {np.shape(row)}"
                raise DataError(
                    f"the rows of column {self.column!r} must have one shape, {self.shape}; got "
                    f"{got}. Pictures of several sizes: fourfold.readers.datasets.from_dataset"
                )
        return np.asarray(read, self.dtype).reshape(len(index), *self.shape)

    def subset(self, index: Index) -> ColumnRows:
        return ColumnRows(self.cells, self.column, self.index[index])


@final
class StackedRows(Rows):
    """Rows of several piles, one after another; each is read where it lies.

    Parameters
    ----------
    parts
        Rows of one kind and shape.

    Raises
    ------
    DataError
        If the shapes differ.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        shapes = {part.shape for part in parts}
        if len(shapes) > 1:
            raise DataError(f"rows of all sources must have one shape; got {sorted(shapes)}")
        self.parts = list(parts)
        self.kind = parts[0].kind
        self.ends = np.cumsum([part.n for part in parts])

    @property
    def n(self) -> int:
        return int(self.ends[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(part.dtype for part in self.parts))

    def take(self, index: Index) -> Any:
        owner = np.searchsorted(self.ends, index, side="right")
        order = np.argsort(owner, kind="stable")
        starts = np.concatenate([[0], self.ends[:-1]])
        blocks = [
            self.parts[i].take(index[order][owner[order] == i] - starts[i])
            for i in np.unique(owner)
        ]
        together = concatenate(blocks)
        back = np.argsort(order, kind="stable")
        return together.iloc[back] if self.kind == "table" else together[back]

    def subset(self, index: Index) -> Rows:
        return PickedRows(self, index)

    def _hash(self) -> Keys:
        return np.concatenate([part.keys for part in self.parts])


@final
class PickedRows(Rows):
    """Some rows of others, in any order.

    Parameters
    ----------
    rows
        All of them.
    index
        The positions.
    """

    def __init__(self, rows: Rows, index: Index) -> None:
        self.rows, self.index, self.kind = rows, index, rows.kind

    @property
    def n(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype

    def take(self, index: Index) -> Any:
        return self.rows.take(self.index[index])

    def subset(self, index: Index) -> PickedRows:
        return PickedRows(self.rows, self.index[index])

    def _hash(self) -> Keys:
        return self.rows.keys[self.index]


def as_rows(X: Any) -> Rows:
    """Make Rows of what a user brings.

    Parameters
    ----------
    X
        Rows; an array, memory map or nested list (n, ...); a sparse matrix (n, d); a pandas
        DataFrame; texts: a list, 1-D array or Series of strings, or a dataset's column of them; a
        Hugging Face ``Dataset``, where a column of arrays or pictures must be the only one, one of
        strings alone is texts, and others are a table.

    Raises
    ------
    DataError
        If it is none of these, has no rows, is 1-D but no texts, is not made of numbers, holds a
        missing or empty text, or is a dataset whose arrays have several shapes or stand beside
        other columns.
    """
    rows = _as_rows(X)
    if rows.n == 0:
        raise DataError("inputs must have at least one row; got 0 sample(s)")
    return rows


def _as_rows(X: Any) -> Rows:
    known = _of_library(X)
    if known is not None:
        return known
    if _are_texts(X):
        return TextRows(list(X))
    array = X if isinstance(X, np.memmap) else np.asarray(X)
    if array.dtype == object:
        array = _numbers(array)
    if array.ndim < 2:
        raise DataError(
            f"inputs must be at least 2-D, (rows, features); got an array of shape {array.shape}. "
            "Reshape your data: X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one row"
        )
    if np.iscomplexobj(array):
        raise DataError("Complex data not supported: inputs must be real numbers")
    if array.dtype.kind not in "biuf":
        raise DataError(f"inputs of an array must be numbers; got {array.dtype}: use a DataFrame")
    if 0 in array.shape[1:]:
        raise DataError(
            f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required: inputs are empty"
        )
    return ArrayRows(array)


def _of_library(X: Any) -> Rows | None:
    """Make Rows of what is more than an array; None where it is not."""
    if isinstance(X, Rows):
        return X
    if isinstance(X, loaded("pandas", "DataFrame")):
        return FrameRows(X)
    if isinstance(X, (loaded("scipy.sparse", "spmatrix"), loaded("scipy.sparse", "sparray"))):
        return SparseRows(X)
    return _of_dataset(X) if isinstance(X, loaded("datasets", "Dataset")) else None


def _fault(text: Any) -> str:
    """Say what is wrong with a text; nothing if it is one."""
    if not isinstance(text, str):
        nothing = text is None or str(text) in {"nan", "<NA>"}
        return f"a missing one ({text})" if nothing else f"{text!r:.40}"
    if not text.strip():
        return "an empty one"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"one that is no Unicode ({error.reason} at {error.start})"
    return ""


def _are_texts(X: Any) -> bool:
    """Tell whether something 1-D holds strings; before NumPy makes all as long as the longest."""
    if isinstance(X, np.ndarray):
        if X.ndim != 1 or X.dtype.kind not in "OUT":
            return False
    elif not isinstance(X, (list, tuple, loaded("pandas", "Series"), loaded("datasets", "Column"))):
        return False
    return any(isinstance(text, str) for text in X)


def _of_dataset(dataset: Any) -> Rows:
    """Read a Hugging Face dataset: one column of arrays or of texts, or a table."""
    cells = dataset.with_format("numpy")
    first = cells[0] if len(cells) else {}
    arrays = [name for name, cell in first.items() if isinstance(cell, np.ndarray)]
    strings = [name for name, kind in dataset.features.items() if _holds_strings(kind)]
    if len(first) == len(strings) == 1:
        return TextRows(dataset.with_format(None)[strings[0]][:], strings[0])
    if not arrays:
        return FrameRows(dataset.to_pandas())
    if len(first) > 1:
        raise DataError(
            f"a dataset's column of arrays or pictures must be its only input; got {list(first)}: "
            "choose with select_columns, and give the labels as y"
        )
    rows = ColumnRows(cells, arrays[0])
    if rows.dtype.kind not in "biuf":
        raise DataError(f"arrays of a dataset must hold numbers; column {arrays[0]!r} does not")
    for _ in rows.blocks():  # a row of another shape is found now, before any training
        pass
    return rows


def _holds_strings(kind: Any) -> bool:
    """Tell whether a dataset's feature is strings."""
    value = isinstance(kind, loaded("datasets", "Value"))
    return value and kind.dtype in {"string", "large_string"}


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"inputs of an array must be numbers; got objects: {error}") from error


def check_finite(block: NDArray[Any], what: str) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    DataError
        If a number is not finite; the message names what was read.
    """
    if block.dtype.kind == "f" and not np.isfinite(block).all():
        kind = "NaN" if np.isnan(block).any() else "infinity"
        raise DataError(
            f"{what} contains {kind}: arrays must hold finite numbers; "
            "impute them first, or bring a table, in which missing cells are imputed"
        )


def concatenate(parts: Sequence[Any]) -> Any:
    """Join blocks that ``take`` returned, frames or arrays."""
    if isinstance(parts[0], loaded("pandas", "DataFrame")):
        import pandas as pd

        return pd.concat(list(parts), ignore_index=True)
    return np.concatenate(list(parts))
