"""Folders of a store: their sizes, locks, eviction, and the removal of leftovers."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

from filelock import FileLock, Timeout

from fourfold.errors import FileError
from fourfold.frozen.store.index import StoreIndex

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUILDING", "EVERYTHING", "StoreEntry", "StoreFolders"]

EVERYTHING: Final = -1
"""Size limit of an eviction that removes everything."""
BUILDING: Final = ".building-"
"""Prefix of the folder of an artifact that is built now."""
GONE: Final = ".gone-"
"""Prefix of an evicted folder until it is deleted."""

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
    """The folders of segments, artifacts and locks, and the index of the first two.

    A missing folder is created; one that cannot be written is a FileError.
    """

    def __init__(self, path: Path) -> None:
        self.segments, self.artifacts, self.locks = (
            path / name for name in ("segments", "artifacts", "locks")
        )
        try:
            for folder in (self.segments, self.artifacts, self.locks):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"the store {path} must be writable; got: {error}") from error
        self.index = StoreIndex(path / "index.sqlite")

    def lock(self, name: str) -> FileLock:
        """Return the lock of a function or an artifact, shared by all processes."""
        # one lock object for each file and process, so that a thread may take its own lock again,
        # for instance when a function is applied to its own values
        return FileLock(self.locks / f"{name}.lock", is_singleton=True)

    def entries(self) -> list[StoreEntry]:
        """Return the entries, the most recently used first."""
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
        ]
        held += [
            (used, folder in artifacts, self.artifacts / folder, {"artifacts": (folder,)})
            for folder, _, used in self.index.all_artifacts()
        ]
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
        files = list(self.segments.iterdir())  # listed first: the index knows files beforehand
        known = {file for _, _, file, _ in self.index.all_segments()}
        for file in files:
            if file.name not in known:
                file.unlink(missing_ok=True)
        for folder in self.artifacts.glob(f"{GONE}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self.artifacts.glob(f"{BUILDING}*"):
            with (
                contextlib.suppress(Timeout),
                self.lock(folder.name.removeprefix(BUILDING)).acquire(timeout=0),
            ):
                shutil.rmtree(folder, ignore_errors=True)


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
