"""Stored rows: what a frozen function makes of other rows, computed when it is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np
from xxhash import xxh3_128_digest

from fourfold.data.rows import KEY, Rows
from fourfold.frozen.values import KeptPart, Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys
    from fourfold.frozen.frozen import Frozen

__all__ = ["StoredRows", "derived_keys"]


class Finder(Protocol):
    """Something that finds the values of rows, and computes those that are not there."""

    def find(self, frozen: Frozen, rows: Rows, index: Index, tap: str) -> Places:
        """Return the places of a tap's values for the rows at these positions."""


@final
class StoredRows(Rows):
    """The values of a frozen function, read from a store without copying them into memory.

    Nothing is computed before the first ``take``, ``shape`` or ``dtype``, and only what the store
    lacks; ``keys`` follow from the function's key and the input rows', so that a chain of frozen
    functions whose end is stored computes nothing. It travels to another process as the names of
    the files. Values that differ in length come as an array of arrays, and ``shape`` is that of
    the longest.

    Parameters
    ----------
    store
        Finds and computes values.
    frozen
        The function.
    rows
        Its inputs.
    tap
        Which of its values.
    index
        Which of the inputs; all by default.
    """

    kind = "array"

    def __init__(
        self, store: Finder, frozen: Frozen, rows: Rows, tap: str, index: Index | None = None
    ) -> None:
        self._origin: tuple[Finder, Frozen, Rows, str] | None = (store, frozen, rows, tap)
        self._index = np.arange(rows.n) if index is None else index
        self._places: Places | None = None

    @classmethod
    def kept(cls, values: NDArray[Any], keys: Keys) -> StoredRows:
        """Return rows of values in memory that differ in length, an array of arrays."""
        n = len(values)
        rows = object.__new__(cls)
        rows._origin, rows._index = None, np.arange(n)
        rows._places = Places([KeptPart(values)], np.zeros(n, np.intp), np.arange(n))
        rows.keys = keys
        return rows

    @property
    def n(self) -> int:
        return len(self._index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.places.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.places.dtype

    @property
    def places(self) -> Places:
        """Where the values lie; computes those that are nowhere."""
        if self._places is None:
            store, frozen, rows, tap = self._known_origin
            self._places = store.find(frozen, rows, self._index, tap)
        return self._places

    @property
    def _known_origin(self) -> tuple[Finder, Frozen, Rows, str]:
        if self._origin is None:  # __getstate__ leaves none only where places and keys are known
            raise AssertionError
        return self._origin

    def take(self, index: Index) -> NDArray[Any]:
        return self.places.take(index)

    def subset(self, index: Index) -> StoredRows:
        part = object.__new__(StoredRows)
        part._origin = self._origin
        part._index = self._index[index]
        part._places = None if self._places is None else self._places.subset(index)
        if "keys" in vars(self):
            part.keys = self.keys[index]
        return part

    def _hash(self) -> Keys:
        _, frozen, rows, tap = self._known_origin
        return derived_keys(frozen.key, tap, rows.keys[self._index])

    def __getstate__(self) -> dict[str, Any]:
        places, keys = self.places, self.keys
        return {"_origin": None, "_index": self._index, "_places": places, "keys": keys}


def derived_keys(function: str, tap: str, keys: Keys) -> Keys:
    """Name what a function makes of rows by its own key and theirs: (n,) of 16 bytes."""
    salt = f"{function} {tap} ".encode()
    derived = np.empty(len(keys), KEY)
    for i, key in enumerate(keys):
        derived[i] = np.void(xxh3_128_digest(salt + key.tobytes()))
    return derived
