"""Threads that decode files, within a limit of memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["in_threads", "taking"]

T = TypeVar("T")

SMALL: Final = 64
"""Parts of the limit of which one is small."""
_turn: Final = Condition()
_taken: Final[list[int]] = []
"""Bytes that decoders of this process take now."""


@contextmanager
def taking(needed: int, limit: int) -> Iterator[None]:
    """Wait until the decoders of this process leave so many bytes of a limit; one may always go.

    Small parts of the limit are not counted: there are at most 16 threads.
    """
    if SMALL * needed <= limit:
        yield
        return
    with _turn:
        _turn.wait_for(lambda: not _taken or sum(_taken) + needed <= limit)
        _taken.append(needed)
    try:
        yield
    finally:
        with _turn:
            _taken.remove(needed)
            _turn.notify_all()


def in_threads(work: Callable[[int], T], items: Any) -> Iterator[T]:
    """Map a function over items in threads, in order; decoders release the interpreter lock."""
    items = [int(item) for item in items]
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        yield from pool.map(work, items)
