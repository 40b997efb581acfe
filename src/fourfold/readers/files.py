"""Files and folders for every reader: plain or gzipped, in UTF-8, and named in each error."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, Final, Self, TextIO, final

import numpy as np

from fourfold.errors import DataError, FileError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = [
    "DAMAGED",
    "Folder",
    "decoding",
    "is_gzipped",
    "named",
    "not_gzip",
    "open_bytes",
    "open_text",
    "read_text",
]

DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)
"""Errors of reading a damaged ``.gz`` file."""


@contextmanager
def named(path: Path, kind: str = "a file") -> Iterator[None]:
    """Name a file in every error that reading it raises: FileError or DataError."""
    try:
        yield
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from error
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"{error.filename or path} must be {kind}; there is none") from error
    except OSError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error


def is_gzipped(path: Path) -> bool:
    """Return whether the name of a file ends in ``.gz``."""
    return path.name.lower().endswith(".gz")


def open_bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    """Open a plain or gzipped file."""
    return gzip.open(path, "rb") if is_gzipped(path) else path.open("rb")


def open_text(path: Path) -> TextIO:
    """Open a plain or gzipped file as UTF-8, its line ends as they are."""
    return TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")


@contextmanager
def decoding() -> Iterator[None]:
    """Translate the errors of unpacking a file and of decoding UTF-8 to DataErrors."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error
    except DAMAGED as error:
        raise not_gzip(error) from error


def not_gzip(error: Exception) -> DataError:
    """Return the error for a damaged ``.gz`` file."""
    return DataError(f"the file must be gzip, undamaged; got: {error}")


def read_text(path: Path) -> str:
    """Read a whole file as UTF-8, or raise a DataError that says where it is not."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _not_utf8(error, f" at position {error.start}, in line {line}") from error


def _not_utf8(error: UnicodeDecodeError, where: str = "") -> DataError:
    """Return the error for text in another encoding."""
    return DataError(
        "the text must be UTF-8: save it as UTF-8 in the program it comes from; got byte "
        f"0x{error.object[error.start]:02x}{where}"
    )


@final
@dataclass(frozen=True)
class Folder:
    """Files below a folder, sorted by path, without hidden files and hidden folders.

    Each sub-folder with everything below it is a class of that name; files outside the sub-folders
    have no label.
    """

    root: Path
    paths: list[Path]
    classes: list[str]

    @classmethod
    def open(cls, root: Path) -> Self:
        """List all files below a folder."""
        paths, classes = [], []
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            if any(part.startswith(".") for part in parts):
                continue
            if path.is_file():
                paths.append(path)
            elif len(parts) == 1:
                classes.append(path.name)
        return cls(root, paths, classes)

    def ending_in(self, endings: Collection[str]) -> Folder:
        """Keep the files with one of these endings, in lower case with the dot."""
        kept = [path for path in self.paths if path.suffix.lower() in endings]
        return replace(self, paths=kept)

    @property
    def labels(self) -> Any:
        """Class of each file or None, (n,) of objects; None if no file has a class."""
        below = [path.relative_to(self.root).parts for path in self.paths]
        labels = [parts[0] if len(parts) > 1 else None for parts in below]
        empty = set(self.classes) - set(labels)
        if empty:
            raise DataError(
                f"each sub-folder is a class and must hold at least one file of it; got none in "
                f"{', '.join(sorted(empty)[:4])}"
            )
        return np.array(labels, object) if any(labels) else None
