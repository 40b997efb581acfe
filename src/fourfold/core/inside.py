"""Files of a folder that others may have written: regular ones, and none outside of it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from fourfold.errors import BundleError, summary

__all__ = ["files_below", "inside", "read_json", "regular"]

LARGEST_JSON: Final = 1 << 28
"""Largest size of a JSON file that is read, in bytes."""


def files_below(folder: Path) -> set[str]:
    """List the files below a folder, by their relative paths with slashes.

    Raises
    ------
    BundleError
        If anything in it is neither a regular file nor a folder, such as a symbolic link.
    """
    found: set[str] = set()
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            kind = path.lstat().st_mode
            if stat.S_ISREG(kind):
                found.add(path.relative_to(folder).as_posix())
            elif not stat.S_ISDIR(kind):
                raise BundleError(
                    f"{folder} must hold regular files and folders only, no links, pipes or "
                    f"devices; got {path.relative_to(folder).as_posix()!r:.60}"
                )
    return found


def inside(folder: Path, name: Any) -> Path:
    """Return the path of a regular file in a folder, by a name that was read from a file.

    Raises
    ------
    BundleError
        If the name leads out of the folder, to nothing, or to anything but a regular file.
    """
    parts = name.split("/") if isinstance(name, str) else [""]
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in name:
        raise BundleError(f"{name!r:.60} must be the path of a file inside of its folder")
    try:
        return regular(folder / name)
    except FileNotFoundError as error:
        raise BundleError(f"{name!r:.60} must be there; it is missing") from error


def regular(path: Path) -> Path:
    """Return a path if it leads to a regular file, which opens without waiting and has an end.

    Raises
    ------
    OSError
        If nothing can be found there.
    BundleError
        If it is a folder, pipe, device or socket.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise BundleError(f"{path.name!r:.60} must be a regular file, no folder, pipe or device")
    return path


def read_json(path: Path) -> Any:
    """Read a JSON file of bounded size.

    Raises
    ------
    OSError
        If it cannot be read.
    BundleError
        If it is no regular file, no JSON, too large, or too deeply nested.
    """
    size = regular(path).stat().st_size
    if size > LARGEST_JSON:
        raise BundleError(f"{path.name} must have at most {LARGEST_JSON} bytes; got {size}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path.name} must be JSON; got {summary(error, 80)}") from error
