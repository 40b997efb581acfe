"""Places: where values lie, in files that stay open or in memory, and reading them from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["KeptPart", "MappedPart", "Part", "Places", "RaggedPart", "joined", "stacked"]


class Part(ABC):
    """Values side by side.

    Attributes
    ----------
    dtype
        The type of their elements.
    shape
        The shape of one; with −1 in front where they differ in length.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @abstractmethod
    def read(self, positions: Index) -> NDArray[Any]:
        """Copy the values at these positions; an array of arrays where they differ in length."""

    @abstractmethod
    def longest(self) -> int:
        """Return the largest length along the first axis of a value."""


@final
class KeptPart(Part):
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


@final
class MappedPart(Part):
    """Values of one shape in a file, memory-mapped.

    Opened when it is made and kept open, so that it outlives the file's name. Another process
    gets the name and opens it again.
    """

    def __init__(self, file: Path, dtype: np.dtype[Any], shape: tuple[int, ...], n: int) -> None:
        self.file, self.dtype, self.shape, self.n = file, dtype, shape, n
        self._values = np.asarray(np.memmap(file, dtype, "r", shape=(n, *shape)))

    def read(self, positions: Index) -> NDArray[Any]:
        if len(positions) and (np.diff(positions) == 1).all():
            return np.array(self._values[positions[0] : positions[-1] + 1])
        return self._values[positions]

    def longest(self) -> int:
        return self.shape[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self.file, self.dtype, self.shape, self.n)


@final
class RaggedPart(Part):
    """Values of several lengths in a file, one after another, memory-mapped.

    Parameters
    ----------
    lengths
        (n,) how long each is along its first axis.
    """

    def __init__(
        self, file: Path, dtype: np.dtype[Any], shape: tuple[int, ...], lengths: NDArray[np.int64]
    ) -> None:
        self.file, self.dtype, self.shape, self.lengths = file, dtype, shape, lengths
        self._ends = np.cumsum(lengths)
        n = int(self._ends[-1])
        self._values = np.asarray(np.memmap(file, dtype, "r", shape=(n, *shape[1:])))

    def read(self, positions: Index) -> NDArray[Any]:
        values = np.empty(len(positions), object)
        for i, at in enumerate(positions):
            values[i] = np.array(self._values[self._ends[at] - self.lengths[at] : self._ends[at]])
        return values

    def longest(self) -> int:
        return int(self.lengths.max())

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self.file, self.dtype, self.shape, self.lengths)


def _reopen(kind: Callable[..., Part], file: Path, *form: Any) -> Part:
    try:
        return kind(file, *form)
    except (OSError, ValueError) as error:
        raise FileError(
            f"stored rows must still be there when another process opens them; {file} is gone: "
            "give the store more room, or compute them again"
        ) from error


@final
class Places:
    """Where each of n values lies.

    Parameters
    ----------
    parts
        What holds them.
    which
        (n,) the part that holds each, −1 where none does.
    where
        (n,) its position there.
    """

    def __init__(
        self, parts: Sequence[Part], which: NDArray[np.intp], where: NDArray[np.intp]
    ) -> None:
        self.parts, self.which, self.where = list(parts), which, where

    @property
    def missing(self) -> Index:
        """The positions of those that no part holds."""
        missing: Index = np.flatnonzero(self.which < 0)
        return missing

    def completed(self, values: Sequence[NDArray[Any]]) -> Places:
        """Return places in which these values, kept in memory, stand where one was missing."""
        if not values:
            return self
        missing, which, where = self.missing, self.which.copy(), self.where.copy()
        which[missing] = len(self.parts)
        where[missing] = np.arange(len(missing))
        return Places([*self.parts, KeptPart(joined(values))], which, where)

    @property
    def ragged(self) -> bool:
        """Whether the values differ in shape."""
        shapes = {part.shape for part in self.parts}
        return len(shapes) > 1 or any(-1 in shape for shape in shapes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value, the longest where they differ."""
        first = self.parts[0].shape
        return (max(p.longest() for p in self.parts), *first[1:]) if self.ragged else first

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of their elements."""
        return self.parts[0].dtype

    def subset(self, index: Index) -> Places:
        """Return the places of the values at these positions."""
        return Places(self.parts, self.which[index], self.where[index])

    def take(self, index: Index) -> NDArray[Any]:
        """Copy the values at these positions: (len(index), ...), or an array of arrays."""
        which, where = self.which[index], self.where[index]
        out: NDArray[Any] = (
            np.empty(len(index), object)
            if self.ragged
            else np.empty((len(index), *self.shape), self.dtype)
        )
        for i in np.unique(which):
            mine = np.flatnonzero(which == i)
            values: NDArray[Any] = self.parts[i].read(where[mine])
            if len(mine) == len(index) and values.dtype == out.dtype:
                return values
            if self.ragged:
                for at, value in zip(mine, values, strict=True):
                    out[at] = value
            else:
                out[mine] = values
        return out


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join values of several readings: (n, ...), or an array of arrays where they differ."""
    if len(parts) == 1:
        return parts[0]
    if len({(part.dtype, part.shape[1:]) for part in parts}) == 1:
        return np.concatenate(list(parts))
    return stacked([row for part in parts for row in part])


def stacked(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Stack values of one shape; keep others side by side in an array of objects."""
    if len({row.shape for row in rows}) == 1:
        return np.stack(list(rows))
    beside = np.empty(len(rows), object)
    beside[:] = list(rows)
    return beside
