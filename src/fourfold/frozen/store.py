"""Store: what Frozen computed, on disk, once, for every method, seed, fold and process."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
import warnings
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from xxhash import xxh3_128_hexdigest

from fourfold.core.atomic import disk_is_full
from fourfold.data.rows import ArrayRows, Rows
from fourfold.errors import FileError, FourfoldWarning, ParameterError
from fourfold.frozen.index import Index
from fourfold.frozen.segments import SegmentWriter, match, open_part
from fourfold.frozen.stored import StoredRows, derived_keys
from fourfold.frozen.values import Part, Places, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fourfold.data.rows import Index as Positions
    from fourfold.data.rows import Keys
    from fourfold.frozen.frozen import Frozen

__all__ = ["Entry", "Store", "StoredRows", "active", "compute_once", "using"]

GIGABYTE: Final = 1 << 30
COMMIT_BYTES: Final = 1 << 23
"""Values are entered into the index about so many bytes at a time ..."""
EVERYTHING: Final = -1
COMMIT_SECONDS: Final = 2.0
"""... or after so long, whichever comes first: a killed computation keeps them."""


Forget: TypeAlias = dict[str, Any]


@final
@dataclass(frozen=True)
class Entry:
    """Something that a store holds.

    Attributes
    ----------
    kind
        ``"features"`` of a frozen function, or an ``"artifact"``.
    key
        The function's or the artifact's key.
    bytes
        How large it is on the disk.
    used
        When it was last used, in seconds since 1970.
    """

    kind: Literal["features", "artifact"]
    key: str
    bytes: int
    used: float


@final
class Store:
    """What was computed once, in a folder that many processes share.

    A crash at any moment leaves a valid store. Above its size it forgets what was not used for
    longest; whoever reads that at the moment keeps it.

    Parameters
    ----------
    path
        The folder; made where there is none.
    max_bytes
        How large it may grow. The values of a single call may exceed it.

    Raises
    ------
    FileError
        If the folder cannot be written to.
    """

    def __init__(self, path: str | Path, *, max_bytes: int = 20 * GIGABYTE) -> None:
        self.path = Path(path).absolute()
        self.max_bytes = max_bytes
        self._segments, self._artifacts, self._locks = (
            self.path / name for name in ("segments", "artifacts", "locks")
        )
        try:
            for folder in (self._segments, self._artifacts, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"the store {self.path} must be writable; got: {error}") from error
        self._index = Index(self.path / "index.sqlite")
        self._warned = False
        self._sweep()

    @classmethod
    def default(cls) -> Store:
        """Open the user's own store: in $FOURFOLD_CACHE, else in the user's cache folder."""
        return cls(os.environ.get("FOURFOLD_CACHE") or platformdirs.user_cache_path("fourfold"))

    def rows(self, frozen: Frozen, rows: Rows, tap: str = "output") -> StoredRows:
        """Return what a frozen function makes of rows; lazy, see :class:`StoredRows`.

        Parameters
        ----------
        frozen
            The function.
        rows
            Its inputs; equal ones are computed once.
        tap
            Which of its values. All are computed and stored together.

        Raises
        ------
        ParameterError
            If the function has no such tap.
        """
        _check_tap(frozen, tap)
        return StoredRows(self, frozen, rows, tap)

    def find(self, frozen: Frozen, rows: Rows, index: Positions, tap: str) -> Places:
        """Return where a tap's values lie, after computing those that the store lacks.

        Of processes that want the same function's values one computes while the others wait.
        """
        function, keys = frozen.key, rows.keys[index]
        first, inverse = _distinct(keys)
        wanted, keys = index[first], keys[first]
        places = self._look_up(function, tap, keys)
        if places.missing.size:
            with self._lock(function):
                missing = self._look_up(function, tap, keys).missing
                kept = self._compute(frozen, rows, wanted[missing], tap)
                places = self._look_up(function, tap, keys)
            lost = places.missing
            if len(lost) != sum(map(len, kept)):  # evicted as soon as found: far too small a store
                kept = [frozen.compute(rows, wanted[lost])[tap]]
            places = places.completed(kept)
        return places.subset(inverse)

    def artifact(self, key: str, build: Callable[[Path], None]) -> Path:
        """Return the folder of a thing that is built once.

        Parameters
        ----------
        key
            Its name; everything that it depends on must be in it.
        build
            Fills an empty folder. If it fails, nothing is left; other processes that want the same
            thing wait for it.

        Raises
        ------
        FileError
            If the disk is full, even after forgetting everything else.
        """
        folder = self._artifacts / xxh3_128_hexdigest(key.encode())
        if not folder.is_dir():
            with self._lock(folder.name):
                if not folder.is_dir():
                    self._build(folder, build)
        self._index.use_artifact(folder.name, key)
        self._evict(self.max_bytes, artifacts={folder.name})
        return folder

    @property
    def size(self) -> int:
        """How many bytes it takes on the disk, its index aside."""
        return sum(entry.bytes for entry in self.entries())

    def entries(self) -> list[Entry]:
        """Return what it holds, the most recently used first."""
        functions: dict[str, Entry] = {}
        for _, function, file, used in self._index.all_segments():
            before = functions.get(function, Entry("features", function, 0, 0.0))
            total = before.bytes + _bytes(self._segments / file)
            functions[function] = Entry("features", function, total, max(used, before.used))
        artifacts = [
            Entry("artifact", key, _bytes(self._artifacts / folder), used)
            for folder, key, used in self._index.all_artifacts()
        ]
        return sorted([*functions.values(), *artifacts], key=lambda entry: -entry.used)

    def clear(self) -> None:
        """Forget everything; whoever reads something at the moment keeps it."""
        self._evict(EVERYTHING)
        self._sweep()

    def _lock(self, name: str) -> FileLock:
        # one lock object a file and process: a thread may then take its own lock again, as
        # happens when a function is applied to what itself has computed
        return FileLock(self._locks / f"{name}.lock", is_singleton=True)

    def _look_up(self, function: str, tap: str, keys: Keys) -> Places:
        """Return the places of those that the store has; which = −1 for the others."""
        while True:
            segments = self._index.segments(function, tap)
            which, where = match(segments, keys)
            used = [int(i) for i in np.unique(which) if i >= 0]
            parts: list[Part] = []
            gone: list[int] = []
            for i in used:
                try:
                    parts.append(open_part(self._segments, segments[i]))
                except (OSError, ValueError):  # evicted since, or cut short by somebody
                    gone.append(segments[i].id)
            if not gone:
                break
            self._index.forget(segments=tuple(gone))
        self._index.use([segments[i].id for i in used])
        number = np.full(len(segments) + 1, -1)  # the last stands for which = -1
        number[used] = np.arange(len(used))
        return Places(parts, number[which], where)

    def _compute(
        self, frozen: Frozen, rows: Rows, wanted: Positions, tap: str
    ) -> list[NDArray[Any]]:
        """Compute and write rows; return the values of those, the last, that found no room."""
        kept: list[NDArray[Any]] = []
        if not len(wanted):
            return kept
        keys, start = rows.keys[wanted], 0
        with SegmentWriter(self._index, self._segments, frozen.key) as writer:
            for values in _in_commits(frozen, rows, wanted):
                end = start + len(values[tap])
                if kept or not self._write(writer, keys[start:end], values):
                    kept.append(values[tap])
                start = end
        return kept

    def _write(self, writer: SegmentWriter, keys: Keys, values: dict[str, NDArray[Any]]) -> bool:
        """Write values, making room where there is none; return whether that was possible."""
        for attempt in range(2):
            try:
                writer.add(keys, values)
            except OSError as error:
                if not disk_is_full(error):
                    message = f"the store {self.path} must be writable; got: {error}"
                    raise FileError(message) from error
                if attempt == 0:
                    need = sum(map(_nbytes, values.values()))
                    self._evict(max(0, self.size - need), segments=writer.written)
            else:
                self._evict(self.max_bytes, segments=writer.written)
                return True
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"the disk of the store {self.path} is full: what is computed from now on is kept "
                "in memory only, and computed again by the next process",
                FourfoldWarning,
                stacklevel=2,
            )
        return False

    def _build(self, folder: Path, build: Callable[[Path], None]) -> None:
        building = self._artifacts / f".building-{folder.name}"
        for attempt in range(2):
            shutil.rmtree(building, ignore_errors=True)  # what a killed process left
            building.mkdir()
            try:
                build(building)
                building.rename(folder)
            except BaseException as error:
                shutil.rmtree(building, ignore_errors=True)
                if not (isinstance(error, OSError) and disk_is_full(error)):
                    raise
                if attempt:
                    raise FileError(
                        f"the store {self.path} must have room for what is built; its disk is full"
                    ) from error
                self._evict(EVERYTHING)
            else:
                return

    def _evict(
        self,
        limit: int,
        segments: set[int] | frozenset[int] = frozenset(),
        artifacts: set[str] | frozenset[str] = frozenset(),
    ) -> None:
        """Forget what was not used for longest, but for what is named, down to a size."""
        held: list[tuple[float, int, Path, Forget]] = [
            (used, number in segments, self._segments / file, {"segments": (number,)})
            for number, _, file, used in self._index.all_segments()
        ]
        held += [
            (used, folder in artifacts, self._artifacts / folder, {"artifacts": (folder,)})
            for folder, _, used in self._index.all_artifacts()
        ]
        sizes = {path: _bytes(path) for _, _, path, _ in held}
        total = sum(sizes.values())
        for _, wanted, path, entry in sorted(held, key=itemgetter(0)):
            if total <= limit:
                return
            if not wanted:
                _remove(path)
                with contextlib.suppress(OSError):  # a full disk: who looks it up will forget it
                    self._index.forget(**entry)
                total -= sizes[path]

    def _sweep(self) -> None:
        """Remove what no process wants: unannounced segments, and folders of killed builders."""
        files = list(self._segments.iterdir())  # listed first: files are announced before made
        known = {file for _, _, file, _ in self._index.all_segments()}
        for file in files:
            if file.name not in known:
                file.unlink(missing_ok=True)
        for folder in self._artifacts.glob(".gone-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self._artifacts.glob(".building-*"):
            with (
                contextlib.suppress(Timeout),
                self._lock(folder.name[len(".building-") :]).acquire(timeout=0),
            ):
                shutil.rmtree(folder, ignore_errors=True)


_active: ContextVar[Store | None] = ContextVar("store", default=None)


@contextlib.contextmanager
def using(store: Store | None) -> Iterator[None]:
    """Let :func:`compute_once` keep what it computes in a store, or with None in memory."""
    token = _active.set(store)
    try:
        yield
    finally:
        _active.reset(token)


def active() -> Store | None:
    """Return the store in use, if there is one."""
    return _active.get()


def compute_once(frozen: Frozen, rows: Rows, tap: str = "output") -> Rows:
    """Return what a frozen function makes of rows, computed at most once.

    With a store in use its rows, computed when they are first read; else computed now, into
    memory, and remembered by this process for as long as it fits.

    Parameters
    ----------
    frozen
        The function.
    rows
        Its inputs.
    tap
        Which of its values.

    Raises
    ------
    ParameterError
        If the function has no such tap.
    """
    _check_tap(frozen, tap)
    store = active()
    return _memory.rows(frozen, rows, tap) if store is None else store.rows(frozen, rows, tap)


@final
class _Memory:
    """What this process computed without a store, the most recently used at the end."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held: OrderedDict[tuple[str, str], dict[str, NDArray[Any]]] = OrderedDict()

    def rows(self, frozen: Frozen, rows: Rows, tap: str) -> Rows:
        function = frozen.key
        name = (function, rows.digest)
        values = self._held.pop(name, None) or frozen.compute(rows)
        self._keep(name, values)
        keys = derived_keys(function, tap, rows.keys)
        if values[tap].dtype == object:
            return StoredRows.kept(values[tap], keys)
        found = ArrayRows(values[tap])
        found.keys = keys
        return found

    def _keep(self, name: tuple[str, str], values: dict[str, NDArray[Any]]) -> None:
        self._held[name] = values
        total = sum(_nbytes(one) for held in self._held.values() for one in held.values())
        while total > self.max_bytes:
            _, dropped = self._held.popitem(last=False)
            total -= sum(map(_nbytes, dropped.values()))


_memory = _Memory(GIGABYTE)


def _check_tap(frozen: Frozen, tap: str) -> None:
    if tap not in frozen.names:
        raise ParameterError(f"tap must be one of {', '.join(frozen.names)}; got {tap!r}")


def _in_commits(frozen: Frozen, rows: Rows, wanted: Positions) -> Iterator[dict[str, NDArray[Any]]]:
    """Compute rows, and hand them over whenever there is enough to be written."""
    waiting: list[dict[str, NDArray[Any]]] = []
    size, since = 0, time.monotonic()
    for values in frozen.stream(rows, wanted):
        waiting.append(values)
        size += sum(map(_nbytes, values.values()))
        if size >= COMMIT_BYTES or time.monotonic() - since >= COMMIT_SECONDS:
            yield {name: joined([one[name] for one in waiting]) for name in frozen.names}
            waiting, size, since = [], 0, time.monotonic()
    if waiting:
        yield {name: joined([one[name] for one in waiting]) for name in frozen.names}


def _distinct(keys: Keys) -> tuple[Positions, Positions]:
    """Return where each distinct key is first, in order, and for each key which of these it is."""
    # as text, because numpy sorts that fast; all keys are equally long
    _, first, inverse = np.unique(keys.view("S16"), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[inverse]


def _nbytes(values: NDArray[Any]) -> int:
    return sum(map(_nbytes, values)) if values.dtype == object else values.nbytes


def _bytes(path: Path) -> int:
    """Return how large a file or folder is, 0 where it is gone."""
    try:
        if path.is_dir():
            return sum(_bytes(inner) for inner in path.iterdir())
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove(path: Path) -> None:
    """Unlink a file, or a folder at once under its name: nobody sees half of it."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f".gone-{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
