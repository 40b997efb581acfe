"""Atomic writes of files and folders, which a crash of the machine survives, too.

Content is on the disk before a name points to it, and the name before a write returns.
"""

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

__all__ = ["disk_is_full", "rename", "sync", "whole_file", "whole_folder"]

AT_FDCWD: Final = -100
RENAME_EXCHANGE: Final = 2


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, and replace ``path`` by it at the end.

    An error inside leaves ``path`` as it was.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    with _beside(path) as part:
        yield part
        _open_up(part)
        if not path.exists():
            rename(part, path)
            return
        sync(part)
        if not _exchange(part, path):
            old = path.rename(part.with_name("old"))
            try:
                part.rename(path)
            except OSError:
                old.rename(path)
                raise
        sync(path.parent, inside=False)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the path of a new file beside ``path``, and replace ``path`` by it at the end.

    An error inside leaves ``path`` as it was.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with _beside(path) as part:
        yield part / path.name
        _open_up(part)
        rename(part / path.name, path)


def rename(path: Path, new: Path) -> None:
    """Move a file, or a folder to a free name, in one step that is on the disk at the end."""
    sync(path)
    os.replace(path, new)  # noqa: PTH105  one atomic step
    sync(new.parent, inside=False)


def sync(path: Path, *, inside: bool = True) -> None:
    """Write a file, or a folder with all its entries, through to the disk."""
    if inside and path.is_dir():
        for entry in path.iterdir():
            sync(entry)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield an empty folder on the same disk, in a temporary hidden one of the owner's alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        part = work / "part"
        part.mkdir()
        yield part
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _open_up(part: Path) -> None:
    """Give files the access that the umask leaves; libraries write some for their owner alone."""
    access = part.stat().st_mode & 0o666  # of a folder made under this umask
    for path in part.rglob("*"):
        if path.is_file():
            path.chmod(access)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one atomic step; return whether the system can."""
    try:
        exchange = ctypes.CDLL(None).renameat2
    except AttributeError:  # neither Linux nor glibc: two steps remain
        return False
    return bool(exchange(AT_FDCWD, bytes(one), AT_FDCWD, bytes(other), RENAME_EXCHANGE) == 0)


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an error means a full disk, a quota or a file size limit."""
    full = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
    return isinstance(error, OSError) and error.errno in full
