"""Stored rows: the values of a frozen function, computed when first read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, final

import numpy as np

from fourfold.data.rows import Rows, hash_contents
from fourfold.errors import FileError, ParameterError
from fourfold.frozen.store.values import DamagedValuesError, MemoryArray, ValueLocations

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys
    from fourfold.frozen.frozen import Frozen

__all__ = ["StoredRows", "check_tap", "derived_keys"]


class Finder(Protocol):
    """A store, as stored rows use it."""

    def find(self, frozen: Frozen, rows: Rows, index: Index, tap: str) -> ValueLocations:
        """Return the locations of a tap's values for rows, after computing missing ones."""

    def set_aside(self, path: Path) -> None:
        """Use a damaged file no more."""


Origin: TypeAlias = "tuple[Finder, Frozen, Rows, str]"


@final
class StoredRows(Rows):
    """The values of a frozen function, memory-mapped from a store.

    The first ``take``, ``shape`` or ``dtype`` computes the values that the store lacks. ``keys``
    follow from the keys of function and input rows, so that a chain of frozen functions with a
    stored end computes nothing. Pickling keeps the names of the files. Values of several lengths
    are read as an array of arrays, and ``shape`` is that of the longest. What is damaged is
    computed again.
    """

    kind = "array"

    def __init__(self, store: Finder, frozen: Frozen, rows: Rows, tap: str) -> None:
        self._origin: Origin | None = (store, frozen, rows, tap)
        self._index = np.arange(rows.n)
        self._of_steps = rows.padded
        self._locations: ValueLocations | None = None
        self._keys: Keys | None = None

    @classmethod
    def in_memory(cls, values: NDArray[Any], keys: Keys) -> StoredRows:
        """Return rows of values in memory that differ in length, an array of arrays."""
        n = len(values)
        rows = object.__new__(cls)
        rows._origin, rows._index, rows._keys = None, np.arange(n), keys
        rows._of_steps = False
        rows._locations = ValueLocations([MemoryArray(values)], np.zeros(n, np.intp), np.arange(n))
        return rows

    @cached_property
    def n(self) -> int:  # type: ignore[override]  # computed when asked
        return len(self._index)

    @cached_property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # computed when asked
        return self.locations.shape

    @cached_property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]  # computed when asked
        return self.locations.dtype

    @property
    def padded(self) -> bool:  # type: ignore[override]  # computed when asked
        return self._of_steps and len(self.shape) > 1

    @property
    def locations(self) -> ValueLocations:
        """Locations of the values; computes missing ones."""
        if self._locations is None:
            store, frozen, rows, tap = self._known_origin
            self._locations = store.find(frozen, rows, self._index, tap)
        return self._locations

    @property
    def _known_origin(self) -> Origin:
        if self._origin is None:  # without an origin, locations and keys are known
            raise AssertionError
        return self._origin

    def take(self, index: Index) -> NDArray[Any]:
        while True:
            try:
                return self.locations.take(index)
            except DamagedValuesError as error:
                if self._origin is None:
                    raise FileError(
                        f"{error}: run it again, and they are computed again"
                    ) from error
                store, *_ = self._origin
                store.set_aside(error.file)
                self._locations = None

    def subset(self, index: Index) -> StoredRows:
        part = object.__new__(StoredRows)
        part._origin = self._origin
        part._index, part._of_steps = self._index[index], self._of_steps
        part.spoken = self.spoken
        part._locations = None if self._locations is None else self._locations.subset(index)
        part._keys = None if self._keys is None else self._keys[index]
        return part

    def _hash(self) -> Keys:
        if self._keys is None:
            _, frozen, rows, tap = self._known_origin
            self._keys = derived_keys(frozen.key, tap, rows.keys[self._index])
        return self._keys

    def __getstate__(self) -> dict[str, Any]:
        state = {"_origin": None, "_index": self._index, "_of_steps": self._of_steps}
        state["spoken"] = self.spoken
        return state | {"_locations": self.locations, "_keys": self.keys}


def derived_keys(function: str, tap: str, keys: Keys) -> Keys:
    """Derive the keys of values, (n,), from the keys of the function and of its input rows."""
    salt = f"{function} {tap} ".encode()
    return hash_contents(salt + key.tobytes() for key in keys)


def check_tap(frozen: Frozen, tap: str) -> None:
    """Refuse a tap that a function does not have, by a ParameterError."""
    if tap not in frozen.names:
        raise ParameterError(f"tap must be one of {', '.join(frozen.names)}; got {tap!r}")
