"""Arrays of stored values, in files or in memory, and the locations of values in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.digests import DamagedError, row_digests
from fourfold.errors import FileError
from fourfold.frozen.ragged import concatenate_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = [
    "DamagedValuesError",
    "MappedArray",
    "MemoryArray",
    "RaggedArray",
    "ValueArray",
    "ValueLocations",
    "form_of",
]


def form_of(function: str, tap: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    """Describe values; it goes into their digests, so that none are taken for others."""
    return f"{function} {tap} {dtype.str} {shape}"


class DamagedValuesError(DamagedError):
    """Stored values are not those that were written."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"stored values in {file} are damaged")
        self.file = file


class ValueArray(ABC):
    """Values in one place; the first axis of their shape is −1 if they differ in length."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @abstractmethod
    def read(self, positions: Index) -> NDArray[Any]:
        """Copy the values at these positions; an array of arrays if they differ in length."""

    @abstractmethod
    def longest(self) -> int:
        """Return the largest length of a value along its first axis."""


@final
class MemoryArray(ValueArray):
    """Values in memory: (n, ...), or n arrays in an array of objects."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        ragged = values.dtype == object
        self.dtype = values[0].dtype if ragged else values.dtype
        self.shape = (-1, *values[0].shape[1:]) if ragged else values.shape[1:]

    def read(self, positions: Index) -> NDArray[Any]:
        return self.values[positions]

    def longest(self) -> int:
        return max(len(value) for value in self.values)


class _FileArray(ValueArray):
    """Values in a memory-mapped file, each proven by its digest when it is first read.

    The file is opened at once and kept open, so that deleting its name does no harm. Pickling keeps
    the name, and unpickling opens the file again. Values that fail are :class:`DamagedValuesError`.
    """

    def __init__(
        self,
        file: Path,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        digests: NDArray[np.uint64],
        form: str,
    ) -> None:
        self.file, self.dtype, self.shape = file, dtype, shape
        self.digests, self.form = digests, form
        self._proven = np.zeros(len(digests), bool)

    def _map(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.asarray(np.memmap(self.file, self.dtype, "r", shape=shape))

    def _prove(self, positions: Index, values: NDArray[Any]) -> None:
        new = np.flatnonzero(~self._proven[positions])
        if new.size:
            found = row_digests((values[i] for i in new), self.form)
            if not np.array_equal(found, self.digests[positions[new]]):
                raise DamagedValuesError(self.file)
            self._proven[positions[new]] = True

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self.file, self.dtype, self.shape, self.digests, self.form)


@final
class MappedArray(_FileArray):
    """Values of one shape in a memory-mapped file."""

    def __init__(self, *form: Any) -> None:
        super().__init__(*form)
        self._values = self._map((len(self.digests), *self.shape))

    def read(self, positions: Index) -> NDArray[Any]:
        if len(positions) and (np.diff(positions) == 1).all():
            values = np.array(self._values[positions[0] : positions[-1] + 1])
        else:
            values = self._values[positions]
        self._prove(positions, values)
        return values

    def longest(self) -> int:
        return self.shape[0]


@final
class RaggedArray(_FileArray):
    """Values of several lengths, (n,), in a memory-mapped file, one after another."""

    def __init__(self, *form: Any) -> None:
        *rest, self.lengths = form
        super().__init__(*rest)
        self._ends = np.cumsum(self.lengths)
        self._values = self._map((int(self._ends[-1]), *self.shape[1:]))

    def read(self, positions: Index) -> NDArray[Any]:
        values = np.empty(len(positions), object)
        for i, at in enumerate(positions):
            values[i] = np.array(self._values[self._ends[at] - self.lengths[at] : self._ends[at]])
        self._prove(positions, values)
        return values

    def longest(self) -> int:
        return int(self.lengths.max())

    def __reduce__(self) -> tuple[Any, ...]:
        reopen, form = super().__reduce__()
        return reopen, (*form, self.lengths)


def _reopen(kind: Callable[..., ValueArray], file: Path, *form: Any) -> ValueArray:
    try:
        return kind(file, *form)
    except (OSError, ValueError) as error:
        raise FileError(
            f"stored rows must still exist when another process opens them; got {file}, which is "
            "gone: give the store more room, or compute them again"
        ) from error


@final
class ValueLocations:
    """The array with each of n values, −1 for a missing one, and the position of each in it."""

    def __init__(
        self, arrays: Sequence[ValueArray], which: NDArray[np.intp], where: NDArray[np.intp]
    ) -> None:
        self.arrays, self.which, self.where = list(arrays), which, where

    @property
    def missing(self) -> Index:
        """Positions of the missing values."""
        missing: Index = np.flatnonzero(self.which < 0)
        return missing

    def completed(self, values: Sequence[NDArray[Any]]) -> ValueLocations:
        """Return locations with these values, in memory, in place of the missing ones."""
        if not values:
            return self
        missing, which, where = self.missing, self.which.copy(), self.where.copy()
        which[missing] = len(self.arrays)
        where[missing] = np.arange(len(missing))
        return ValueLocations([*self.arrays, MemoryArray(concatenate_values(values))], which, where)

    @property
    def ragged(self) -> bool:
        """Whether the values differ in shape."""
        shapes = {array.shape for array in self.arrays}
        return len(shapes) > 1 or any(-1 in shape for shape in shapes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one value, of the longest if they differ."""
        first = self.arrays[0].shape
        return (max(a.longest() for a in self.arrays), *first[1:]) if self.ragged else first

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements of a value."""
        return self.arrays[0].dtype

    def subset(self, index: Index) -> ValueLocations:
        """Return the locations of the values at these positions."""
        return ValueLocations(self.arrays, self.which[index], self.where[index])

    def take(self, index: Index) -> NDArray[Any]:
        """Copy the values at these positions: (len(index), ...), or an array of arrays."""
        which, where = self.which[index], self.where[index]
        used = np.unique(which)
        if len(used) == 1 and self.arrays[used[0]].dtype == self.dtype:
            # a second array of this size would make the system clear pages anew
            only: NDArray[Any] = self.arrays[used[0]].read(where)
            return only
        out: NDArray[Any] = (
            np.empty(len(index), object)
            if self.ragged
            else np.empty((len(index), *self.shape), self.dtype)
        )
        for i in used:
            mine = np.flatnonzero(which == i)
            values: NDArray[Any] = self.arrays[i].read(where[mine])
            if self.ragged:
                for at, value in zip(mine, values, strict=True):
                    out[at] = value
            else:
                out[mine] = values
        return out
