"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["disk_is_full", "whole_file", "whole_folder"]

AT_FDCWD: Final = -100
RENAME_EXCHANGE: Final = 2


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside ``path``, and put it there, in the place of another, at the end.

    Whatever goes wrong before leaves what was there.

    Raises
    ------
    OSError
        If that cannot be written.
    """
    with _beside(path) as work:
        part = work / "part"
        part.mkdir()
        yield part
        if not path.exists():
            part.rename(path)
        elif not _exchange(part, path):
            old = path.rename(work / "old")
            try:
                part.rename(path)
            except OSError:
                old.rename(path)
                raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file in a folder beside ``path``, and put it there at the end.

    Raises
    ------
    OSError
        If that cannot be written.
    """
    with _beside(path) as work:
        yield work / path.name
        os.replace(work / path.name, path)  # noqa: PTH105  one atomic step


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Make a hidden folder on the same disk, which is gone afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; return whether this system can."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except AttributeError:  # neither Linux nor glibc: two steps are left
        return False
    return bool(rename(AT_FDCWD, bytes(one), AT_FDCWD, bytes(other), RENAME_EXCHANGE) == 0)


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an error means that the disk is full, or that a file may not grow."""
    full = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
    return isinstance(error, OSError) and error.errno in full
