"""Segments: append-only files of values, each written by one process."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Self, final

import numpy as np

from fourfold.core.atomic import sync
from fourfold.core.digests import row_digests
from fourfold.data.rows import KEY
from fourfold.frozen.store.values import MappedArray, RaggedArray, ValueLocations, form_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Keys
    from fourfold.frozen.store.index import Segment, StoreIndex
    from fourfold.frozen.store.values import ValueArray

__all__ = ["SegmentWriter", "is_segment", "look_up"]

SEGMENT_BYTES: Final = 1 << 28
"""Size above which a new segment is begun, because segments are evicted whole."""
NAME: Final = re.compile(r"[0-9a-f]{32}\.bin")


@final
@dataclass
class _OpenSegment:
    """A segment that is written now."""

    id: int
    path: Path
    file: IO[bytes]
    form: tuple[str, tuple[int, ...]]
    committed: int = 0


@final
class SegmentWriter:
    """The writer of one function's values, one segment for each tap, inside the function's lock.

    ``add`` writes values to the disk first, and their keys and digests to the index then. A killed
    process leaves at most a tail of a file that the index does not know.
    """

    def __init__(self, index: StoreIndex, folder: Path, function: str) -> None:
        self.index, self.folder, self.function = index, folder, function
        self._open: dict[str, _OpenSegment] = {}
        self.written: set[int] = set()

    def __enter__(self) -> Self:
        # left by killed processes
        for number, file in self.index.unfinished(self.function).items():
            (self.folder / file).unlink(missing_ok=True)
            self._forget(number)
        return self

    def __exit__(self, *_: object) -> None:
        for tap in list(self._open):
            self._close(tap)

    def add(self, keys: Keys, values: Mapping[str, NDArray[Any]]) -> None:
        """Append the values of rows, (n, ...) or n arrays for each tap, all or none.

        If they cannot be written, an OSError is raised, and earlier values stay.
        """
        while True:
            chunks, ends = [], {}
            for tap, value in values.items():
                flat, lengths, form = _flat(value)
                segment = self._segment(tap, form)
                ends[tap] = segment.committed + _append(segment, flat)
                digests = row_digests(value, form_of(self.function, tap, *form))
                chunks.append((segment.id, keys, lengths, digests))
            if self.index.commit(chunks):
                break
            for tap in values:  # a segment was evicted meanwhile: begin a new one
                self._close(tap)
        for tap, end in ends.items():
            self._open[tap].committed = end

    def _segment(self, tap: str, form: tuple[np.dtype[Any], tuple[int, ...]]) -> _OpenSegment:
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
        sync(self.folder, inside=False)
        self._open[tap] = _OpenSegment(number, path, file, (dtype.str, shape))
        self.written.add(number)
        return self._open[tap]

    def _close(self, tap: str) -> None:
        segment = self._open.pop(tap)
        segment.file.close()
        if not segment.committed:
            segment.path.unlink(missing_ok=True)
            self._forget(segment.id)

    def _forget(self, number: int) -> None:
        with suppress(OSError):  # the disk is full: left to a later writer
            self.index.forget(segments=(number,))


def _flat(
    value: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.int64], tuple[np.dtype[Any], tuple[int, ...]]]:
    """Return values one after another, their lengths if they differ, and their type and shape."""
    if value.dtype != object:
        return np.ascontiguousarray(value), np.empty(0, np.int64), (value.dtype, value.shape[1:])
    flat = np.concatenate(list(value))
    lengths = np.array([len(one) for one in value], np.int64)
    return flat, lengths, (flat.dtype, (-1, *flat.shape[1:]))


def _append(segment: _OpenSegment, values: NDArray[Any]) -> int:
    """Write behind the committed values, over the tail of a failed attempt; return the bytes."""
    content = values.reshape(-1).view(np.uint8).data
    segment.file.seek(segment.committed)
    done = 0
    while done < len(content):
        done += segment.file.write(content[done:])
    os.fsync(segment.file.fileno())
    return len(content)


def look_up(
    index: StoreIndex,
    folder: Path,
    function: str,
    tap: str,
    keys: Keys,
    damaged: AbstractSet[str] = frozenset(),
) -> ValueLocations:
    """Return the locations of a tap's values for these keys, and record their use.

    Segments of damaged files, by name, are left out and forgotten.
    """
    skip = set(damaged)
    while True:
        found = index.segments(function, tap)
        segments = [one for one in found if one.file not in skip]
        which, where = _match(segments, keys)
        used = [int(i) for i in np.unique(which) if i >= 0]
        arrays: list[ValueArray] = []
        gone: set[str] = set()
        for i in used:
            try:
                arrays.append(_open(folder, segments[i], function, tap))
            except (OSError, ValueError):  # evicted meanwhile, or cut short by another program
                gone.add(segments[i].file)
        skip |= gone
        if unusable := tuple(one.id for one in found if one.file in skip):
            index.forget(segments=unusable)
        if not gone:
            break
    index.use([segments[i].id for i in used])
    number = np.full(len(segments) + 1, -1)  # the last stands for which = -1
    number[used] = np.arange(len(used))
    return ValueLocations(arrays, number[which], where)


def _match(segments: Sequence[Segment], keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find keys in segments: (n,) index of the segment, −1 if in none, and (n,) position in it."""
    sizes = [len(segment.keys) for segment in segments]
    known = np.concatenate([np.empty(0, KEY), *(segment.keys for segment in segments)])
    if not len(known):
        return np.full(len(keys), -1), np.zeros(len(keys), np.intp)
    # as strings of equal length, because numpy sorts these fast
    text = known.view("S16")
    order = np.argsort(text, kind="stable")
    at = np.searchsorted(text, keys.view("S16"), sorter=order)
    at = order[np.minimum(at, len(known) - 1)]
    segment = np.repeat(np.arange(len(segments)), sizes)
    position = np.concatenate([np.arange(size) for size in sizes])
    return np.where(known[at] == keys, segment[at], -1), position[at]


def _open(folder: Path, segment: Segment, function: str, tap: str) -> ValueArray:
    """Map a segment's values; an error if its file is gone or cut short."""
    if not is_segment(segment.file):
        raise ValueError(segment.file)
    file, form = folder / segment.file, form_of(function, tap, segment.dtype, segment.shape)
    if -1 in segment.shape:
        return RaggedArray(
            file, segment.dtype, segment.shape, segment.digests, form, segment.lengths
        )
    return MappedArray(file, segment.dtype, segment.shape, segment.digests, form)


def is_segment(name: str) -> bool:
    """Return whether a name is one of a segment."""
    return NAME.fullmatch(name) is not None
