"""The interface of rows, and their keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest, xxh3_128_hexdigest

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fourfold.data.schema.column import Column

__all__ = [
    "BLOCK_BYTES",
    "KEY",
    "Index",
    "Keys",
    "Layout",
    "Rows",
    "common_white",
    "hash_blocks",
    "hash_contents",
]

Index: TypeAlias = NDArray[np.intp]
"""Positions of rows."""
Keys: TypeAlias = NDArray[np.void]
"""Keys of rows, of type :data:`KEY`."""
Layout: TypeAlias = Literal["auto", "first", "last", "pictures", "series"]
"""What is known of the layout of arrays: see :attr:`Rows.layout`."""
KEY: Final = np.dtype("V16")
"""A row's key: the xxh3-128 hash of its content."""
BLOCK_BYTES: Final = 1 << 24
"""Bytes of one block in a pass over all rows."""


class Rows(ABC):
    """A sequence of inputs, read by position.

    Everything above reads inputs through this class, so that an array, a memory map, a sparse
    matrix, a data frame and a folder of pictures are used alike, and none is copied whole.

    Attributes
    ----------
    n
        Number of rows.
    shape, dtype
        Shape of one row and type of its elements.
    kind
        ``"array"``, ``"sparse"``, ``"table"``, ``"pictures"``, ``"sounds"``, ``"speech"`` or
        ``"texts"``.
    columns
        Columns of a table by name, where it was read by a schema.
    white
        Value that is white in pictures of more than 8 bits, in their files; None for other rows.
    layout
        Layout of arrays, where it is known: ``"pictures"`` or ``"series"``, ``"first"`` or
        ``"last"`` for the channels; else ``"auto"``.
    spoken
        Whether rows, (channels, time), are utterances that end in frames of zeros, as many as they
        are shorter than the longest; no frame before is all zero.
    padded
        Whether rows (L, ...) are sequences of several lengths that end in zeros, which need not be
        computed.
    """

    n: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: str = "array"
    columns: Mapping[Any, Column] | None = None
    white: float | None = None
    layout: Layout = "auto"
    spoken: bool = False
    padded: bool = False

    @abstractmethod
    def take(self, index: Index) -> Any:
        """Read the rows at these positions: (len(index), *shape)."""

    @abstractmethod
    def subset(self, index: Index) -> Rows:
        """Return the rows at these positions as Rows; nothing large is copied."""

    @abstractmethod
    def _hash(self) -> Keys:
        """Compute the key of each row, (n,)."""

    @cached_property
    def keys(self) -> Keys:
        """Key of each row by its content, (n,); computed once."""
        return self._hash()

    @cached_property
    def digest(self) -> str:
        """Hash of the content of all rows in order: 32 hex digits."""
        return xxh3_128_hexdigest(self.keys.tobytes())

    @property
    def row_bytes(self) -> int:
        """Bytes of one row as returned by ``take``."""
        return max(1, int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize)

    def blocks(self, size: int | None = None) -> Iterator[Any]:
        """Read all rows in order, ``size`` rows (by default about 16 MB) at a time."""
        size = size or max(1, BLOCK_BYTES // self.row_bytes)
        for start in range(0, self.n, size):
            yield self.take(np.arange(start, min(start + size, self.n)))

    def waves(self) -> Rows:
        """Return sounds as waves of 16,000 samples a second, (n, samples).

        Raises
        ------
        DataError
            If the rows are no sounds.
        """
        raise DataError(f"a network of sounds must get sounds; got {self.kind}")

    def draw(self, most: int) -> Index:
        """Return at most ``most`` positions, drawn by content, the same in any order."""
        if self.n <= most:
            return np.arange(self.n)
        return np.sort(np.argpartition(self.keys.view(np.uint64)[::2], most)[:most])

    def apart(self) -> Rows:
        """Return the same rows, which no longer hold on to others that they were taken from."""
        return self

    def sample(self, most: int) -> Any:
        """Read at most ``most`` rows, drawn by content."""
        return self.take(self.draw(most))


def common_white(parts: Iterable[Rows]) -> float | None:
    """Return the value of white of several pictures' rows; None where all have 8 bits.

    Raises
    ------
    DataError
        If there are several.
    """
    whites = {part.white for part in parts if part.white is not None}
    if len(whites) > 1:
        raise DataError(
            f"pictures of 16 bits must have one value of white; got {sorted(whites)}: read them "
            "together, read_domains([...]), or read_domain(..., like=...)"
        )
    return next(iter(whites), None)


def hash_contents(contents: Iterable[bytes]) -> Keys:
    """Hash the content of each row: (n,) keys."""
    return np.frombuffer(bytearray(b"".join(map(xxh3_128_digest, contents))), KEY)


def hash_blocks(rows: Rows) -> Keys:
    """Hash rows of numbers by reading them all: (n,) keys."""
    salt = f"{rows.dtype.str}{rows.shape}".encode()
    blocks = (np.ascontiguousarray(block) for block in rows.blocks())
    return hash_contents(
        row.tobytes() + salt for block in blocks for row in block.reshape(len(block), -1)
    )
