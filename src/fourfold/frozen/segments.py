"""Segments: append-only files of values, each written by one process, entered when on the disk."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Self, final

import numpy as np

from fourfold.data.rows import KEY
from fourfold.frozen.values import MappedPart, RaggedPart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Keys
    from fourfold.frozen.index import Index, Segment
    from fourfold.frozen.values import Part

__all__ = ["SegmentWriter", "match", "open_part"]

SEGMENT_BYTES: Final = 1 << 28
"""A segment that has grown so large is left and a new one begun: they are evicted whole."""


@final
@dataclass
class _Open:
    """A segment that is being written."""

    id: int
    path: Path
    file: IO[bytes]
    form: tuple[str, tuple[int, ...]]
    committed: int = 0


@final
class SegmentWriter:
    """Writes one function's values, a segment a tap; use it inside the function's lock.

    Values count when ``add`` returns: they are on the disk, and then in the index. What a killed
    process leaves behind is a tail that no index entry names.

    Parameters
    ----------
    index
        The store's index.
    folder
        Where segments lie.
    function
        The function's key.
    """

    def __init__(self, index: Index, folder: Path, function: str) -> None:
        self.index, self.folder, self.function = index, folder, function
        self._open: dict[str, _Open] = {}
        self.written: set[int] = set()

    def __enter__(self) -> Self:
        for number, file in self.index.unfinished(self.function).items():  # of killed processes
            (self.folder / file).unlink(missing_ok=True)
            self._forget(number)
        return self

    def __exit__(self, *_: object) -> None:
        for tap in list(self._open):
            self._close(tap)

    def add(self, keys: Keys, values: Mapping[str, NDArray[Any]]) -> None:
        """Append the values of rows, each tap's (n, ...) or n arrays; all of them or nothing.

        Raises
        ------
        OSError
            If they cannot be written; what was added before stays.
        """
        while True:
            chunks, ends = [], {}
            for tap, value in values.items():
                flat, lengths, form = _flat(value)
                segment = self._segment(tap, form)
                ends[tap] = segment.committed + _append(segment, flat)
                chunks.append((segment.id, keys, lengths))
            if self.index.commit(chunks):
                break
            for tap in values:  # somebody evicted a segment meanwhile: begin anew
                self._close(tap)
        for tap, end in ends.items():
            self._open[tap].committed = end

    def _segment(self, tap: str, form: tuple[np.dtype[Any], tuple[int, ...]]) -> _Open:
        dtype, shape = form
        now = self._open.get(tap)
        if now is not None and now.form == (dtype.str, shape) and now.committed < SEGMENT_BYTES:
            return now
        if now is not None:
            self._close(tap)
        name = f"{uuid.uuid4().hex}.bin"
        number = self.index.begin(self.function, tap, name, dtype, shape)
        path = self.folder / name
        file = path.open("xb", buffering=0)
        self._open[tap] = _Open(number, path, file, (dtype.str, shape))
        self.written.add(number)
        return self._open[tap]

    def _close(self, tap: str) -> None:
        segment = self._open.pop(tap)
        segment.file.close()
        if not segment.committed:
            segment.path.unlink(missing_ok=True)
            self._forget(segment.id)

    def _forget(self, number: int) -> None:
        with suppress(OSError):  # no room even for that: a later writer does it
            self.index.forget(segments=(number,))


def _flat(
    value: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.int64], tuple[np.dtype[Any], tuple[int, ...]]]:
    """Return values one after another, their lengths where they differ, and their form."""
    if value.dtype != object:
        return np.ascontiguousarray(value), np.empty(0, np.int64), (value.dtype, value.shape[1:])
    flat = np.concatenate(list(value))
    lengths = np.array([len(one) for one in value], np.int64)
    return flat, lengths, (flat.dtype, (-1, *flat.shape[1:]))


def _append(segment: _Open, values: NDArray[Any]) -> int:
    """Write after what is committed, over the tail of a failed attempt; return how many bytes."""
    content = values.reshape(-1).view(np.uint8).data
    segment.file.seek(segment.committed)
    done = 0
    while done < len(content):
        done += segment.file.write(content[done:])
    os.fsync(segment.file.fileno())
    return len(content)


def match(segments: Sequence[Segment], keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find keys in segments: (n,) in which each is, −1 for none, and (n,) where in that."""
    sizes = [len(segment.keys) for segment in segments]
    known = np.concatenate([np.empty(0, KEY), *(segment.keys for segment in segments)])
    if not len(known):
        return np.full(len(keys), -1), np.zeros(len(keys), np.intp)
    # as text, because numpy sorts that fast; all keys are equally long
    text = known.view("S16")
    order = np.argsort(text, kind="stable")
    at = np.searchsorted(text, keys.view("S16"), sorter=order)
    at = order[np.minimum(at, len(known) - 1)]
    segment = np.repeat(np.arange(len(segments)), sizes)
    position = np.concatenate([np.arange(size) for size in sizes])
    return np.where(known[at] == keys, segment[at], -1), position[at]


def open_part(folder: Path, segment: Segment) -> Part:
    """Map a segment's values.

    Raises
    ------
    OSError, ValueError
        If the file is gone or shorter than it was.
    """
    file = folder / segment.file
    if -1 in segment.shape:
        return RaggedPart(file, segment.dtype, segment.shape, segment.lengths)
    return MappedPart(file, segment.dtype, segment.shape, len(segment.keys))
