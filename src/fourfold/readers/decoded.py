"""Decoded rows of pictures and sounds, kept in memory if they fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
from xxhash import xxh3_128_digest

from fourfold.data.rows import KEY, Rows
from fourfold.readers.encoded import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys
    from fourfold.readers.encoded import Encoded

__all__ = ["DecodedItems", "DecodedRows"]

KEEP_BYTES: Final = 1 << 29
"""Largest total size of decoded rows that are kept in memory."""


@final
class DecodedItems:
    """All items of a source, decoded to one shape and shared by every subset of the rows.

    Parameters
    ----------
    source
        Encoded items.
    decode
        Function from a position to one row; it must be picklable.
    shape, dtype
        Shape and type of one row.
    """

    def __init__(
        self,
        source: Encoded,
        decode: Callable[[int], NDArray[Any]],
        shape: tuple[int, ...],
        dtype: type[np.generic],
    ) -> None:
        self.source, self.decode = source, decode
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.kept: NDArray[Any] | None = None
        self.checked = False
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def take(self, where: Index) -> NDArray[Any]:
        """Return rows; the first call decodes all of them."""
        with self._lock:
            if not self.checked:
                self._decode_all()
        return self._decode(where) if self.kept is None else self.kept[where]

    def _decode_all(self) -> None:
        """Decode every item once, and keep the rows if they fit."""
        shape = (self.source.n, *self.shape)
        fits = int(np.prod(shape)) * self.dtype.itemsize <= KEEP_BYTES
        kept = np.empty(shape, self.dtype) if fits else None
        positions = iter(range(self.source.n))
        while part := list(islice(positions, 256)):
            decoded = self._decode(np.array(part))
            if kept is not None:
                kept[part] = decoded
        self.kept, self.checked = kept, True

    def _decode(self, where: Index) -> NDArray[Any]:
        decoded = np.empty((len(where), *self.shape), self.dtype)
        for i, row in enumerate(in_threads(self.decode, where)):
            decoded[i] = row
        return decoded


class DecodedRows(Rows, ABC):
    """Rows that are decoded at the first read.

    The first read decodes all of them, so that a damaged file is found before any training. Rows
    of up to 512 MB in total are kept in memory.
    """

    _items: DecodedItems
    _index: Index

    @classmethod
    def _of(cls, shelf: DecodedItems, index: Index) -> Self:
        rows = object.__new__(cls)
        rows._items, rows._index = shelf, index
        return rows

    @abstractmethod
    def fitting(self, shape: tuple[int, ...]) -> Self:
        """Return the same rows in another shape, or unchanged if that shape does not fit them."""

    @final
    @property
    def n(self) -> int:
        return len(self._index)

    @final
    @property
    def shape(self) -> tuple[int, ...]:
        return self._items.shape

    @final
    @property
    def dtype(self) -> np.dtype[Any]:
        return self._items.dtype

    @final
    def take(self, index: Index) -> NDArray[Any]:
        return self._items.take(self._index[index])

    @final
    def subset(self, index: Index) -> Self:
        return self._of(self._items, self._index[index])

    @final
    def _hash(self) -> Keys:
        salt = f"{self.kind}{self.shape}".encode()
        keys = np.empty(self.n, KEY)
        for i, content in enumerate(in_threads(self._items.source.content, self._index.tolist())):
            keys[i] = np.void(xxh3_128_digest(content + salt))
        return keys
