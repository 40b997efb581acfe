"""Files for every reader: plain or gzipped, in UTF-8, and named in each error."""

from __future__ import annotations

import gzip
import re
import stat
import zlib
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, AnyStr, Final, TextIO, cast

from fourfold.core.memory import check_fits
from fourfold.errors import DataError, FileError, FourfoldError, FourfoldWarning, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "LONGEST_NAME",
    "bounded_lines",
    "decoding",
    "file_size",
    "is_gzipped",
    "named",
    "not_gzip",
    "open_bytes",
    "open_text",
    "read_text",
    "reason",
    "short",
]

LONGEST_LINE: Final = 1 << 24
"""Longest line of delimited text and of word vectors, in bytes or characters: 16 MB."""
LONGEST_NAME: Final = 110
"""Characters of the name of a file in messages."""
LONGEST_REASON: Final = 110
OBJECT: Final = re.compile(r" ?<_io\.[^>]*>")
"""A file as libraries write it, beside its name."""


@contextmanager
def named(name: object, kind: str | None = "a file") -> Iterator[None]:
    """Turn all errors of reading into one sentence that names the file: FileError or DataError.

    Decoders raise errors of many kinds at strange files, from MemoryError to NotImplementedError:
    all but those of fourfold become a DataError here, in one line of less than 300 characters.

    Parameters
    ----------
    name
        The file, or a name of it in messages.
    kind
        Kind of the missing file; with None its absence is an error like others.
    """
    shown = short(name)
    try:
        yield
    except DataError as error:
        said = str(error).replace(str(name), shown)
        raise DataError(one_line(said if shown in said else f"{shown}: {said}")) from error
    except (FourfoldError, FourfoldWarning):
        raise
    except OSError as error:
        if error.errno is None:  # of a decoder, not of the system
            raise DataError(_damaged(shown, error)) from error
        if kind is not None and isinstance(error, FileNotFoundError):
            missing = short(error.filename or name)
            raise FileError(f"{missing} must be {kind}; there is none") from error
        raise FileError(f"{shown} must be readable; got: {reason(error)}") from error
    except Exception as error:  # see above
        raise DataError(_damaged(shown, error)) from error


def _damaged(shown: str, error: Exception) -> str:
    return f"{shown} must be whole and readable: replace or remove it; got: {reason(error)}"


def reason(error: BaseException | str) -> str:
    """Return the text of a library's error, in one short line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if " " not in text:  # as of a KeyError
        text = f"{type(error).__name__} {text}"
    return one_line(OBJECT.sub("", text), LONGEST_REASON)


def short(name: object) -> str:
    """Return the name of a file in messages, shortened in the middle."""
    return one_line(name, LONGEST_NAME)


def file_size(path: Path) -> int:
    """Return the size of a file in bytes, and refuse FIFOs, sockets and devices.

    Raises
    ------
    FileError
        If it is none of these; a folder is refused when it is opened.
    OSError
        If it is missing.
    """
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise FileError(f"{short(path)} must be a file; got a FIFO, a socket or a device")
    return found.st_size


def is_gzipped(path: Path) -> bool:
    """Return whether the name of a file ends in ``.gz``."""
    return path.name.lower().endswith(".gz")


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or gzipped file."""
    file_size(path)
    return cast("IO[bytes]", gzip.open(path)) if is_gzipped(path) else path.open("rb")


def open_text(path: Path) -> TextIO:
    """Open a plain or gzipped file as UTF-8, its line ends as they are."""
    return TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")


def bounded_lines(file: IO[AnyStr]) -> Iterator[AnyStr]:
    """Read the lines of a file.

    Raises
    ------
    DataError
        If one is longer than 16 MB.
    """
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), file.read(0)), start=1):
        if len(line) == LONGEST_LINE:
            raise DataError(f"line {number} must be shorter than {LONGEST_LINE} characters")
        yield line


@contextmanager
def decoding() -> Iterator[None]:
    """Translate the errors of unpacking a file and of decoding UTF-8 to DataErrors."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise not_gzip(error) from error


def not_gzip(error: Exception) -> DataError:
    """Return the error for a damaged ``.gz`` file."""
    return DataError(f"the file must be gzip, undamaged; got: {reason(error)}")


def read_text(path: Path) -> str:
    """Read a whole file as UTF-8, or raise a DataError that says where it is not."""
    check_fits(5 * file_size(path), "the text")  # bytes, and up to 4 for a character
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
