"""Memory that reading may take: a limit, by default half of the free memory."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fourfold.errors import DataError, ParameterError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_fits", "max_memory", "memory_limit"]

ALWAYS: Final = 1 << 26
"""Bytes that are allowed under every default limit: 64 MB."""
UNITS: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
WRITTEN: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)

_limit: ContextVar[int | None] = ContextVar("max_memory", default=None)


@contextmanager
def max_memory(limit: int | str) -> Iterator[int]:
    """Bound the memory that reading a file or a folder may take, inside a block.

    Sizes are compared with the limit as files declare them, before anything is unpacked, and again
    while it is unpacked. Without a limit half of the free memory may be taken, of the machine or of
    the process's control group, and never less than 64 MB.

    Parameters
    ----------
    limit
        Bytes, or a number with a unit: ``"500M"``, ``"4G"``; K is 1024.

    Yields
    ------
    int
        The limit in bytes.

    Raises
    ------
    ParameterError
        If the limit is not a positive size.

    Examples
    --------
    >>> with max_memory("1.5G") as limit:
    ...     print(limit)
    1610612736
    """
    before = _limit.set(_bytes(limit))
    try:
        yield memory_limit()
    finally:
        _limit.reset(before)


def memory_limit() -> int:
    """Return the bytes that reading may take: the limit that is set, or half of the free ones."""
    limit = _limit.get()
    return max(ALWAYS, _free() // 2) if limit is None else limit


def check_fits(needed: float, what: str, limit: int | None = None) -> None:
    """Refuse something that needs more bytes than a limit, by default that of this context.

    Raises
    ------
    DataError
        If it does not fit; the message begins with ``what``.
    """
    limit = _limit.get() if limit is None else limit
    if needed <= (ALWAYS if limit is None else limit):
        return
    limit = memory_limit() if limit is None else limit
    if needed > limit:
        raise DataError(
            f"{what} must fit into max_memory; got about {_shown(needed)} where {_shown(limit)} "
            "are allowed: set another max_memory, or make the data smaller"
        )


def _bytes(limit: int | str) -> int:
    written = WRITTEN.fullmatch(str(limit).strip())
    size = int(float(written[1]) * (1 << UNITS[written[2].upper()])) if written else 0
    if size < 1:
        raise ParameterError(
            f"max_memory must be a number of bytes, as 500M or 4G; got {one_line(limit, 40)!r}"
        )
    return size


def _shown(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{round(size, 1):g} {unit}"
        size /= 1000
    return f"{round(size, 1):g} GB"


def _free() -> int:
    """Return the bytes that are free: of the machine, and of every control group around."""
    page = os.sysconf("SC_PAGE_SIZE")
    free = [os.sysconf("SC_PHYS_PAGES") * page]
    with suppress(OSError, ValueError):
        free.append(_named_number(Path("/proc/meminfo"), "MemAvailable:") * 1024)
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers in {"", "memory"}:
                free += _free_of_group(Path("/sys/fs/cgroup", controllers), group.strip("/"))
    return max(0, min(free))


def _free_of_group(root: Path, group: str) -> Iterator[int]:
    """Yield the free bytes of a control group and of those around it, of version 1 or 2."""
    most, used, cached = (
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        if root.name == "memory"
        else ("memory.max", "memory.current", "inactive_file")
    )
    inside = root / group
    for place in (inside, *inside.parents):
        with suppress(OSError, ValueError):  # "max", or a group outside this container
            limit = int((place / most).read_text(encoding="ascii"))
            taken = int((place / used).read_text(encoding="ascii"))
            yield limit - taken + _named_number(place / "memory.stat", cached)
        if place == root:
            return


def _named_number(file: Path, name: str) -> int:
    """Return the number beside a name in a file of the kernel."""
    words = file.read_text(encoding="ascii").split()
    return int(words[words.index(name) + 1])
