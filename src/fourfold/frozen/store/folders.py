"""Folders of a store: their mark, sizes, locks, eviction, and the removal of leftovers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
import warnings
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

from filelock import FileLock, Timeout

from fourfold.core.atomic import whole_file
from fourfold.errors import FileError, FourfoldWarning
from fourfold.frozen.store.index import FORMAT, StoreIndex
from fourfold.frozen.store.segments import is_segment

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUILDING", "EVERYTHING", "StoreEntry", "StoreFolders"]

MARK: Final = "CACHEDIR.TAG"
"""File that marks a folder as a cache, by bford.info/cachedir, and as one of fourfold."""
MARKED: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# A cache of fourfold: all that it holds can be computed again.\n"
)
INDEX: Final = "index.sqlite"

EVERYTHING: Final = -1
"""Size limit of an eviction that removes everything."""
BUILDING: Final = ".building-"
"""Prefix of the folder of an artifact that is built now."""
GONE: Final = ".gone-"
"""Prefix of an evicted folder until it is deleted."""

ARTIFACT: Final = re.compile(r"[0-9a-f]{32}")
"""Names of the folders of artifacts."""

Forget: TypeAlias = dict[str, Any]


@final
@dataclass(frozen=True)
class StoreEntry:
    """One thing in a store.

    Attributes
    ----------
    kind
        ``"features"`` of a frozen function, or ``"artifact"``.
    key
        Key of the function or the artifact.
    bytes
        Size on disk.
    used
        Time of last use, in seconds since 1970.
    """

    kind: Literal["features", "artifact"]
    key: str
    bytes: int
    used: float


@final
class StoreFolders:
    """The folders of segments, artifacts, locks and damaged files, and the index of the first two.

    A missing folder is created and marked. Without the mark a folder must be empty: nothing is ever
    removed that is not this store's own. What cannot be written is used ``read_only``, where it is
    a store.

    Raises
    ------
    FileError
        If the folder cannot be written, or holds something other than a store.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only or _is_read_only(path)
        self.segments, self.artifacts, self.locks, self.quarantine = (
            path / name for name in ("segments", "artifacts", "locks", "quarantine")
        )
        try:
            self._check_ours()
            if not self.read_only:
                self._make()
        except FileError:
            raise
        except OSError as error:
            raise FileError(f"the store {path} must be writable; got: {error}") from error
        rebuild = None if self.read_only else self._set_index_aside
        self.index = StoreIndex(path / INDEX, self.lock(INDEX), rebuild, read_only=self.read_only)

    @property
    def marked(self) -> bool:
        """Whether this is a store, and not another folder."""
        try:
            return (self.path / MARK).read_text(encoding="utf-8").startswith(MARKED)
        except (OSError, ValueError):
            return False

    def _check_ours(self) -> None:
        """Refuse a folder that is neither marked nor empty, and a file."""
        # listed first: another process that makes the store marks it before all else
        names = [entry.name for entry in self.path.iterdir()] if self.path.exists() else []
        held = [name for name in names if not name.startswith(f".{MARK}")]  # a mark in the making
        if self.marked or not held:
            return
        old = self._first_format()
        if old is None:
            raise FileError(
                f"{self.path} must be empty, or a cache of fourfold, to be used as one; it lacks "
                f"{MARK} and holds {min(held)}: name another folder"
            )
        if not self.read_only:
            for path in old:
                _remove(path)

    def _make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.marked:
            with whole_file(self.path / MARK) as part:
                part.write_text(MARKED, encoding="utf-8")
        for folder in (self.segments, self.artifacts, self.locks, self.quarantine):
            folder.mkdir(exist_ok=True)

    def _first_format(self) -> list[Path] | None:
        """Return the files of a store of fourfold 0.1, known by its index; None for other ones."""
        index = self.path / INDEX
        if not index.exists():
            return None
        old = StoreIndex(index, self.lock(INDEX), read_only=True)
        try:
            if old.format >= FORMAT:
                return None
            segments = [name for _, _, name, _ in old.all_segments() if is_segment(name)]
            artifacts = [name for name, _, _ in old.all_artifacts() if ARTIFACT.fullmatch(name)]
        except FileError:  # another program's
            return None
        files = [index, *(index.with_name(f"{INDEX}-{end}") for end in ("wal", "shm"))]
        files += [self.segments / name for name in segments]
        return files + [self.artifacts / name for name in artifacts]

    def _set_index_aside(self) -> None:
        """Move a broken index into quarantine: its values are computed again."""
        warnings.warn(
            f"the index of the store {self.path} is broken: it is set aside, and begun anew",
            FourfoldWarning,
            stacklevel=2,
        )
        for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
            self.set_aside(self.path / name)

    def set_aside(self, path: Path) -> None:
        """Move a damaged file or folder into quarantine, which is emptied with the store."""
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            path.rename(self.quarantine / f"{uuid.uuid4().hex} {path.name}")

    def lock(self, name: str) -> FileLock:
        """Return the lock of a function or an artifact, shared by all processes."""
        # one lock object for each file and process, so that a thread may take its own lock again,
        # for instance when a function is applied to its own values
        return FileLock(self.locks / f"{name}.lock", is_singleton=True)

    def entries(self) -> list[StoreEntry]:
        """Return the entries, the most recently used first."""
        if not self.index.file.exists():
            return []
        functions: dict[str, StoreEntry] = {}
        for _, function, file, used in self.index.all_segments():
            before = functions.get(function, StoreEntry("features", function, 0, 0.0))
            total = before.bytes + _bytes(self.segments / file)
            functions[function] = StoreEntry("features", function, total, max(used, before.used))
        artifacts = [
            StoreEntry("artifact", key, _bytes(self.artifacts / folder), used)
            for folder, key, used in self.index.all_artifacts()
        ]
        return sorted([*functions.values(), *artifacts], key=lambda entry: -entry.used)

    def evict(
        self,
        limit: int,
        segments: set[int] | frozenset[int] = frozenset(),
        artifacts: set[str] | frozenset[str] = frozenset(),
    ) -> None:
        """Remove the least recently used entries down to a size in bytes, but for some."""
        held: list[tuple[float, int, Path, Forget]] = [
            (used, number in segments, self.segments / file, {"segments": (number,)})
            for number, _, file, used in self.index.all_segments()
            if is_segment(file)
        ]
        held += [
            (used, folder in artifacts, self.artifacts / folder, {"artifacts": (folder,)})
            for folder, _, used in self.index.all_artifacts()
            if ARTIFACT.fullmatch(folder)
        ]
        held += [(0.0, False, path, {}) for path in self.quarantine.iterdir()]
        sizes = {path: _bytes(path) for _, _, path, _ in held}
        total = sum(sizes.values())
        for _, wanted, path, entry in sorted(held, key=itemgetter(0)):
            if total <= limit:
                return
            if not wanted:
                _remove(path)
                with contextlib.suppress(OSError):  # a full disk: the next lookup forgets it
                    self.index.forget(**entry)
                total -= sizes[path]

    def sweep(self) -> None:
        """Remove segments that the index does not know, and leftovers of killed processes."""
        if self.read_only:
            return
        files = list(self.segments.iterdir())  # listed first: the index knows files beforehand
        known = {file for _, _, file, _ in self.index.all_segments()}
        for file in files:
            if is_segment(file.name) and file.name not in known:
                file.unlink(missing_ok=True)
        for folder in self.artifacts.glob(f"{GONE}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self.artifacts.glob(f"{BUILDING}*"):
            with (
                contextlib.suppress(Timeout),
                self.lock(folder.name.removeprefix(BUILDING)).acquire(timeout=0),
            ):
                shutil.rmtree(folder, ignore_errors=True)


def _is_read_only(path: Path) -> bool:
    """Return whether a store is there and cannot be written."""
    return (path / MARK).exists() and not os.access(path, os.W_OK)


def _bytes(path: Path) -> int:
    """Return the size of a file or folder, 0 if it is gone."""
    try:
        if path.is_dir():
            return sum(_bytes(inner) for inner in path.iterdir())
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove(path: Path) -> None:
    """Remove a file, or a folder at once under its name, so that none is seen in part."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f"{GONE}{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
