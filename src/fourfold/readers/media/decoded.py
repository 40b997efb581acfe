"""Encoded pictures and sounds, and the rows that they are decoded to."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from math import prod
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, TypeVar, final

import numpy as np
from xxhash import xxh3_128_digest

from fourfold.core.memory import check_fits, memory_limit
from fourfold.data.rows import Rows, hash_contents
from fourfold.errors import DataError
from fourfold.readers.files import file_size, named, reason, short
from fourfold.readers.media.failures import Failures
from fourfold.readers.media.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["KEEP_BYTES", "DecodedItems", "DecodedRows", "Encoded", "EncodedFiles", "Items"]

T = TypeVar("T")

KEEP_BYTES: Final = 1 << 29
"""Largest total size of decoded rows that are kept in memory."""
STEP_BYTES: Final = 1 << 27
"""Largest size of the rows that are decoded at once to be kept."""
_lock: Final = Lock()


class Encoded(ABC):
    """A sequence of n encoded pictures or sounds; ``noun`` names one of them in messages."""

    n: int
    noun: str
    sizes: frozenset[tuple[int, int]] = frozenset()
    """Heights and widths of pictures, once their headers were read."""

    @abstractmethod
    def name(self, at: int) -> str:
        """Return the name of an item in messages."""

    @abstractmethod
    def _open(self, at: int) -> BinaryIO:
        """Open the encoded bytes of an item."""

    @abstractmethod
    def _content(self, at: int) -> bytes:
        """Return a hash of 16 bytes of an item's encoded bytes."""

    @final
    @contextmanager
    def open(self, at: int) -> Iterator[BinaryIO]:
        """Open the encoded bytes of an item; errors inside name it."""
        with self.named(at), self._open(at) as file:
            yield file

    @final
    def named(self, at: int) -> AbstractContextManager[None]:
        """Name an item in every error inside."""
        return named(self._called(at), None)

    @final
    def content(self, at: int) -> bytes:
        """Return a hash of 16 bytes of an item's encoded bytes."""
        with self.named(at):
            return self._content(at)

    @final
    def failures(self) -> Failures:
        """Return an empty collection of errors of the items."""
        return Failures(self.noun, self.name)

    @final
    def of_all(self, work: Callable[[int], T], items: Sequence[int] | None = None) -> list[T]:
        """Map a function over all items or some; an error names all that fail."""
        failed = self.failures()
        found = list(in_threads(failed.guard(work), range(self.n) if items is None else items))
        failed.check()
        return [one for one in found if one is not None]

    @final
    def damaged(self, at: int, why: str) -> DataError:
        """Return the error for an item that cannot be decoded."""
        return DataError(
            f"{self._called(at)} must be whole and readable: replace or remove it; "
            f"got: {reason(why)}"
        )

    def _called(self, at: int) -> str:
        return f"the {self.noun} {short(self.name(at))}"


@final
class EncodedFiles(Encoded):
    """Encoded pictures or sounds in files."""

    def __init__(self, files: Sequence[Path], noun: str) -> None:
        self.files = [os.fspath(file) for file in files]
        self.n, self.noun = len(files), noun

    def name(self, at: int) -> str:
        return self.files[at]

    def _open(self, at: int) -> BinaryIO:
        file = Path(self.files[at])
        file_size(file)
        return file.open("rb")

    def _content(self, at: int) -> bytes:
        file = Path(self.files[at])
        return _digest(str(file.absolute()), file_size(file), file.stat().st_mtime_ns)


@lru_cache(maxsize=1_000_000)
def _digest(file: str, size: int, changed: int) -> bytes:
    """Hash a file once in a process, unless its size or the time of its last change differs."""
    check_fits(size, "the file")
    del changed
    return xxh3_128_digest(Path(file).read_bytes())


class Items(ABC):
    """All items of a source, shared by every subset of the rows.

    Attributes
    ----------
    source
        Encoded items.
    shape, dtype
        Of a row.
    white
        As in rows: value of the files that is white.
    """

    source: Encoded
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    white: float | None = None

    @abstractmethod
    def take(self, where: Index) -> NDArray[Any]:
        """Return rows; the first call decodes all of them."""


@final
class DecodedItems(Items):
    """All items of a source, decoded to one shape.

    Parameters
    ----------
    source
        Encoded items.
    decode
        Picklable function from a position to one row.
    shape, dtype
        Shape and type of a row.
    white
        As in rows: value of the files that is white.

    Raises
    ------
    DataError
        If a row takes more memory than reading may.
    """

    def __init__(
        self,
        source: Encoded,
        decode: Callable[[int], NDArray[Any]],
        shape: tuple[int, ...],
        dtype: type[np.generic],
        white: float | None = None,
    ) -> None:
        self.source, self.decode = source, decode
        self.shape, self.dtype, self.white = shape, np.dtype(dtype), white
        self.row_bytes = prod(shape) * self.dtype.itemsize
        check_fits(self.row_bytes, f"a row of shape {shape}, decoded,")
        self.kept: NDArray[Any] | None = None
        self.checked = False

    def take(self, where: Index) -> NDArray[Any]:
        with _lock:
            if not self.checked:
                self._decode_all()
        if self.kept is not None:
            return self.kept[where]
        failed = self.source.failures()
        decoded = self._decode(where, failed)
        failed.check()
        return decoded

    def _decode_all(self) -> None:
        """Decode every item once, and keep the rows if they fit."""
        failed = self.source.failures()
        fits = self.source.n * self.row_bytes <= min(KEEP_BYTES, memory_limit())
        kept = np.empty((self.source.n, *self.shape), self.dtype) if fits else None
        step = max(1, min(256, STEP_BYTES // self.row_bytes))
        for start in range(0, self.source.n, step):
            part = np.arange(start, min(start + step, self.source.n))
            decoded = self._decode(part, failed)
            if kept is not None:
                kept[part] = decoded
        failed.check()
        self.kept, self.checked = kept, True

    def _decode(self, where: Index, failed: Failures) -> NDArray[Any]:
        check_fits(len(where) * self.row_bytes, f"{len(where)} rows of shape {self.shape}")
        decoded = np.empty((len(where), *self.shape), self.dtype)
        for i, row in enumerate(in_threads(failed.guard(self._decode_one), where)):
            if row is not None:
                decoded[i] = row
        return decoded

    def _decode_one(self, at: int) -> NDArray[Any]:
        with self.source.named(at):
            return self.decode(at)


class DecodedRows(Rows, ABC):
    """Rows that are decoded at the first read.

    The first read decodes all of them, so that a damaged file is found before any training. Rows
    of up to 512 MB in total are kept in memory.
    """

    def __init__(self, items: Items, index: Index) -> None:
        self._items, self._index, self.n = items, index, len(index)
        self.shape, self.dtype, self.white = items.shape, items.dtype, items.white

    @final
    def _of(self, items: Items, index: Index) -> Self:
        rows = object.__new__(type(self))
        DecodedRows.__init__(rows, items, index)
        return rows

    @abstractmethod
    def fitting(self, shape: tuple[int, ...], white: float | None = None) -> Self:
        """Return the same rows in another shape, or unchanged if that shape does not fit them.

        Pictures of more than 8 bits also get another value of white.
        """

    @classmethod
    @abstractmethod
    def one_size(cls, domains: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Self]:
        """Bring the rows of several domains to one size."""

    @final
    def take(self, index: Index) -> NDArray[Any]:
        return self._items.take(self._index[index])

    @final
    def subset(self, index: Index) -> Self:
        return self._of(self._items, self._index[index])

    @final
    def _hash(self) -> Keys:
        shape = self.shape[:1] if self.spoken else self.shape
        salt = f"{self.kind}{shape}{self.white or ''}".encode()
        contents = in_threads(self._items.source.content, self._index)
        return hash_contents(content + salt for content in contents)
