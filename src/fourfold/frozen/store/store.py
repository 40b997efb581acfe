"""The store of values and artifacts on disk, shared by methods, seeds, folds and processes."""

from __future__ import annotations

import os
import shutil
import time
import warnings
import weakref
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import platformdirs
from xxhash import xxh3_128_hexdigest

from fourfold.core.atomic import disk_is_full, rename
from fourfold.core.digests import is_sealed, seal
from fourfold.errors import FileError, FourfoldWarning
from fourfold.frozen.ragged import concatenate_values, value_bytes
from fourfold.frozen.store.folders import BUILDING, EVERYTHING, StoreEntry, StoreFolders
from fourfold.frozen.store.segments import SegmentWriter, look_up
from fourfold.frozen.store.stored_rows import StoredRows, check_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys, Rows
    from fourfold.frozen.frozen import Frozen
    from fourfold.frozen.store.values import ValueLocations

__all__ = ["Store"]

GIGABYTE: Final = 1 << 30
COMMIT_BYTES: Final = 1 << 23
"""Size of the values between two commits to the index ..."""
COMMIT_SECONDS: Final = 2.0
"""... or their time, whichever comes first; a killed computation keeps committed values."""


@final
class Store:
    """A folder of computed values and artifacts, shared by processes.

    What is read back is proven to be what was written: each value and each artifact has a digest.
    What fails is set aside in ``quarantine`` and computed again, with a warning. A crash at any
    moment leaves a valid store. Above its size the least recently used entries are evicted; readers
    of an evicted entry keep it. A store that cannot be written is read, and what it lacks is kept
    in memory.

    Parameters
    ----------
    path
        The folder; created if missing.
    max_bytes
        Largest size. The values of a single call may exceed it.
    read_only
        Whether nothing is written, not even a missing folder.

    Raises
    ------
    FileError
        If the folder cannot be written and is no store, or holds something else.
    """

    def __init__(
        self, path: str | Path, *, max_bytes: int = 20 * GIGABYTE, read_only: bool = False
    ) -> None:
        self.path = Path(path).absolute()
        self.max_bytes = max_bytes
        self._folders = StoreFolders(self.path, read_only=read_only)
        self._damaged: set[str] = set()
        self._unwritten: dict[str, Path] = {}
        self._warned = False
        self._folders.sweep()

    @classmethod
    def default(cls, **options: Any) -> Store:
        """Open the store in $FOURFOLD_CACHE, else in the user's cache folder."""
        path = os.environ.get("FOURFOLD_CACHE") or platformdirs.user_cache_path("fourfold")
        return cls(path, **options)

    def rows(self, frozen: Frozen, rows: Rows, tap: str = "output") -> StoredRows:
        """Return the values of a frozen function, computed when first read: :class:`StoredRows`.

        Parameters
        ----------
        frozen
            The function.
        rows
            Its inputs; equal ones are computed once.
        tap
            Name of the values. Those of all taps are computed and stored together.

        Raises
        ------
        ParameterError
            If the function has no such tap.
        """
        check_tap(frozen, tap)
        return StoredRows(self, frozen, rows, tap)

    def find(self, frozen: Frozen, rows: Rows, index: Index, tap: str) -> ValueLocations:
        """Return the locations of a tap's values, after computing missing ones.

        Of several processes one computes the values of a function while the others wait.
        """
        function, keys = frozen.key, rows.keys[index]
        first, inverse = _distinct(keys)
        wanted, keys = index[first], keys[first]
        locations = self._look_up(function, tap, keys)
        if locations.missing.size and self._folders.read_only:
            kept = [frozen.compute(rows, wanted[locations.missing])[tap]]
            locations = locations.completed(kept)
        elif locations.missing.size:
            with self._folders.lock(function):
                missing = self._look_up(function, tap, keys).missing
                kept = self._compute(frozen, rows, wanted[missing], tap)
                locations = self._look_up(function, tap, keys)
            lost = locations.missing
            if len(lost) != sum(map(len, kept)):  # evicted at once from far too small a store
                kept = [frozen.compute(rows, wanted[lost])[tap]]
            locations = locations.completed(kept)
        return locations.subset(inverse)

    def artifact(self, key: str, build: Callable[[Path], None]) -> Path:
        """Return the folder of an artifact, built once.

        Parameters
        ----------
        key
            Name of the artifact, with everything it depends on.
        build
            Fills an empty folder while other processes wait. If it fails, the folder is removed.

        Raises
        ------
        FileError
            If the disk is full even after everything else is evicted.
        """
        folder = self._folders.artifacts / xxh3_128_hexdigest(key.encode())
        if self._folders.read_only:
            return folder if is_sealed(folder) else self._build_beside(folder.name, build)
        if is_sealed(folder):
            self._folders.index.use_artifact(folder.name, key)
            return folder
        with self._folders.lock(folder.name):
            if not is_sealed(folder):
                if folder.is_dir():
                    self.set_aside(folder)
                self._build(folder, build)
        self._folders.index.use_artifact(folder.name, key)
        self._folders.evict(self.max_bytes, artifacts={folder.name})
        return folder

    def set_aside(self, path: Path) -> None:
        """Move a damaged file or folder of this store into quarantine, with a warning."""
        warnings.warn(
            f"{path} is not as it was written: it is set aside and computed again",
            FourfoldWarning,
            stacklevel=2,
        )
        self._damaged.add(path.name)
        if not self._folders.read_only:
            self._folders.set_aside(path)

    @property
    def size(self) -> int:
        """Size on disk in bytes, without the index."""
        return sum(entry.bytes for entry in self.entries())

    def entries(self) -> list[StoreEntry]:
        """Return the entries, the most recently used first."""
        return self._folders.entries()

    def clear(self) -> None:
        """Evict everything; readers of an entry keep it."""
        self._folders.evict(EVERYTHING)
        self._folders.sweep()

    def _look_up(self, function: str, tap: str, keys: Keys) -> ValueLocations:
        folders = self._folders
        return look_up(folders.index, folders.segments, function, tap, keys, self._damaged)

    def _compute(self, frozen: Frozen, rows: Rows, wanted: Index, tap: str) -> list[NDArray[Any]]:
        """Compute and write the values of rows; return the last ones if the disk is full."""
        kept: list[NDArray[Any]] = []
        if not len(wanted):
            return kept
        keys, start = rows.keys[wanted], 0
        with SegmentWriter(self._folders.index, self._folders.segments, frozen.key) as writer:
            for values in _in_commits(frozen, rows, wanted):
                end = start + len(values[tap])
                if kept or not self._write(writer, keys[start:end], values):
                    kept.append(values[tap])
                start = end
        return kept

    def _write(self, writer: SegmentWriter, keys: Keys, values: dict[str, NDArray[Any]]) -> bool:
        """Write values, after an eviction if the disk is full; return whether that succeeded."""
        for attempt in range(2):
            try:
                writer.add(keys, values)
            except OSError as error:
                if not disk_is_full(error):
                    message = f"the store {self.path} must be writable; got: {error}"
                    raise FileError(message) from error
                if attempt == 0:
                    need = sum(map(value_bytes, values.values()))
                    self._folders.evict(max(0, self.size - need), segments=writer.written)
            else:
                self._folders.evict(self.max_bytes, segments=writer.written)
                return True
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"the disk of the store {self.path} is full: values computed from now on are kept "
                "in memory only, and computed again by the next process",
                FourfoldWarning,
                stacklevel=2,
            )
        return False

    def _build(self, folder: Path, build: Callable[[Path], None]) -> None:
        building = self._folders.artifacts / f"{BUILDING}{folder.name}"
        for attempt in range(2):
            shutil.rmtree(building, ignore_errors=True)  # left by a killed process
            building.mkdir()
            try:
                build(building)
                seal(building)
                rename(building, folder)
            except BaseException as error:
                shutil.rmtree(building, ignore_errors=True)
                if not (isinstance(error, OSError) and disk_is_full(error)):
                    raise
                if attempt:
                    raise FileError(
                        f"the store {self.path} must have room for a new artifact; its disk is full"
                    ) from error
                self._folders.evict(EVERYTHING)
            else:
                return

    def _build_beside(self, name: str, build: Callable[[Path], None]) -> Path:
        """Build an artifact in a temporary folder, which is there as long as this store is."""
        if name not in self._unwritten:
            folder = Path(mkdtemp(prefix="fourfold-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            build(folder)
            self._unwritten[name] = folder
        return self._unwritten[name]


def _in_commits(frozen: Frozen, rows: Rows, wanted: Index) -> Iterator[dict[str, NDArray[Any]]]:
    """Compute the values of rows, and yield them in portions large enough for a commit."""
    waiting: list[dict[str, NDArray[Any]]] = []
    size, since = 0, time.monotonic()
    for values in frozen.stream(rows, wanted):
        waiting.append(values)
        size += sum(map(value_bytes, values.values()))
        if size >= COMMIT_BYTES or time.monotonic() - since >= COMMIT_SECONDS:
            yield _concatenate(waiting, frozen.names)
            waiting, size, since = [], 0, time.monotonic()
    if waiting:
        yield _concatenate(waiting, frozen.names)


def _concatenate(
    parts: list[dict[str, NDArray[Any]]], names: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    return {name: concatenate_values([part[name] for part in parts]) for name in names}


def _distinct(keys: Keys) -> tuple[Index, Index]:
    """Return the first position of each distinct key, in order, and their inverse, (n,)."""
    # as strings of equal length, because numpy sorts these fast
    _, first, inverse = np.unique(keys.view("S16"), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[inverse]
