"""Encoded pictures and sounds: read by position, hashed by their bytes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, TypeVar, final

from xxhash import xxh3_128_digest

from fourfold.errors import DataError, FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Encoded", "EncodedFiles", "in_threads"]

T = TypeVar("T")


class Encoded(ABC):
    """A sequence of encoded pictures or sounds.

    Attributes
    ----------
    noun
        Word for one item in messages: ``"picture"`` or ``"sound"``.
    """

    noun: str

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of items."""

    @abstractmethod
    def name(self, at: int) -> str:
        """Return the name of an item in messages."""

    @abstractmethod
    def _open(self, at: int) -> BinaryIO:
        """Open the encoded bytes of an item."""

    @abstractmethod
    def content(self, at: int) -> bytes:
        """Return a hash of 16 bytes of an item's encoded bytes."""

    @final
    def open(self, at: int) -> BinaryIO:
        """Open the encoded bytes of an item.

        Raises
        ------
        FileError
            If it is unreadable.
        """
        try:
            return self._open(at)
        except OSError as error:
            raise self.unreadable(at, error) from error

    @final
    def unreadable(self, at: int, error: OSError) -> FileError:
        """Return the error for an unreadable item."""
        return FileError(f"the {self.noun} {self.name(at)} must be readable; got: {error}")

    @final
    def damaged(self, at: int, why: object) -> DataError:
        """Return the error for an item that cannot be decoded."""
        return DataError(
            f"the {self.noun} {self.name(at)} must be whole and readable: replace or remove it; "
            f"got: {why}"
        )


@final
class EncodedFiles(Encoded):
    """Encoded pictures or sounds in files.

    Each file is hashed once per process, unless its size or modification time changes.

    Parameters
    ----------
    files
        Paths, in order.
    noun
        Word for one of them in messages.
    """

    MOST: ClassVar = 1_000_000
    _known: ClassVar[dict[tuple[str, int, int], bytes]] = {}

    def __init__(self, files: Sequence[Path], noun: str) -> None:
        self.files = [os.fspath(file) for file in files]
        self.noun = noun

    @property
    def n(self) -> int:
        return len(self.files)

    def name(self, at: int) -> str:
        return self.files[at]

    def _open(self, at: int) -> BinaryIO:
        return Path(self.files[at]).open("rb")

    def content(self, at: int) -> bytes:
        file = Path(self.files[at])
        try:
            stat = file.stat()
            known, key = self._known, (str(file.absolute()), stat.st_size, stat.st_mtime_ns)
            if key not in known:
                while len(known) >= self.MOST:
                    known.pop(next(iter(known)), None)
                known[key] = xxh3_128_digest(file.read_bytes())
        except OSError as error:
            raise self.unreadable(at, error) from error
        return known[key]


def in_threads(work: Callable[[int], T], items: Any) -> Iterator[T]:
    """Map a function over items in threads, in order; decoders release the interpreter lock."""
    items = [int(item) for item in items]
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        yield from pool.map(work, items)
