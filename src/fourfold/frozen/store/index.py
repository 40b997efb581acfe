"""Index of a store: its segments with the keys of their rows, and its artifacts."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from secrets import randbits
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

import numpy as np

from fourfold.core.atomic import whole_file
from fourfold.data.rows import KEY
from fourfold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from filelock import FileLock
    from numpy.typing import NDArray

    from fourfold.data.rows import Keys

__all__ = ["Segment", "StoreIndex"]

T = TypeVar("T")

WAIT_SECONDS: Final = 60.0
FORMAT: Final = 2
"""Version of the tables; that of fourfold 0.1 was 0."""
TABLES: Final = f"""
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,  -- drawn at random, so that a writer recognizes its own
    function TEXT NOT NULL, tap TEXT NOT NULL, file TEXT NOT NULL,
    dtype TEXT NOT NULL, shape TEXT NOT NULL, used REAL NOT NULL
);
CREATE INDEX by_function ON segments (function, tap);
CREATE TABLE chunks (
    segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    keys BLOB NOT NULL, lengths BLOB NOT NULL, digests BLOB NOT NULL
);
CREATE INDEX by_segment ON chunks (segment);
CREATE TABLE artifacts (
    folder TEXT PRIMARY KEY, key TEXT NOT NULL, used REAL NOT NULL
);
PRAGMA user_version = {FORMAT};
"""
NO_ROOM: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
BROKEN: Final = {
    0,  # text that is none
    sqlite3.SQLITE_ERROR,  # a table or column is gone
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}


@final
@dataclass(frozen=True)
class Segment:
    """A file of values of one type and shape, in the order of their commits.

    Keys, (n,), are of the input row of each value, digests, (n,), of the values. If values differ
    in length, the first axis of their shape is −1, and lengths are (n,); else these are empty.
    """

    id: int
    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    keys: Keys
    lengths: NDArray[np.int64]
    digests: NDArray[np.uint64]


@final
class StoreIndex:
    """Index of a store in one SQLite file; each query opens its own connection.

    A file that cannot be read or written is a FileError in any method, a full disk an OSError with
    ``ENOSPC``. A broken file is set aside by ``rebuild``, which leaves none, and begun anew;
    without ``rebuild`` it is a FileError, too.
    """

    def __init__(
        self,
        file: Path,
        lock: FileLock,
        rebuild: Callable[[], None] | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.file, self.lock, self.rebuild, self.read_only = file, lock, rebuild, read_only

    def _query(self, ask: Callable[[sqlite3.Connection], T], *, change: bool = False) -> T:
        """Ask within a connection; to change something, within a transaction without others."""
        for attempt in range(2):
            try:
                with closing(self._connect()) as db:
                    if change:
                        db.execute("BEGIN IMMEDIATE")
                    with db:
                        return ask(db)
            except sqlite3.Error as error:
                # without the higher bits of extended codes
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in NO_ROOM and not self.read_only:
                    message = "no room for the store's index"
                    raise OSError(errno.ENOSPC, message, self.file) from error
                if code in BROKEN and attempt == 0 and self.rebuild is not None:
                    self.rebuild()
                    continue
                raise FileError(
                    f"the store's index {self.file} must be readable and writable; got: {error}; "
                    f"if it stays so, delete the folder {self.file.parent}"
                ) from error
        raise AssertionError

    def _connect(self) -> sqlite3.Connection:
        if self.read_only:
            # a log beside it is of a writer: read it, too; without one SQLite needs no files
            log = self.file.with_name(f"{self.file.name}-wal")
            mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
            return sqlite3.connect(f"{self.file.as_uri()}?{mode}", uri=True, isolation_level=None)
        if not self.file.exists():
            self._create()
        db = sqlite3.connect(self.file, WAIT_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA foreign_keys=ON")
            db.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            db.close()
            raise
        return db

    def _create(self) -> None:
        """Write a file of empty tables, in one process and all or nothing."""
        with self.lock:
            if not self.file.exists():
                with whole_file(self.file) as part, closing(sqlite3.connect(part)) as db:
                    db.execute("PRAGMA journal_mode=WAL")
                    db.executescript(TABLES)

    @property
    def format(self) -> int:
        """Version of the tables."""
        return int(self._query(lambda db: db.execute("PRAGMA user_version").fetchone()[0]))

    def segments(self, function: str, tap: str) -> list[Segment]:
        """Return the segments of a function's tap with their committed rows.

        What cannot be read as that, because the file is damaged, is left out.
        """
        query = (
            "SELECT id, file, dtype, shape, keys, lengths, digests FROM segments"
            " JOIN chunks ON segment = id WHERE function = ? AND tap = ? ORDER BY id, chunks.rowid"
        )
        rows = self._query(lambda db: db.execute(query, (function, tap)).fetchall())
        chunks: dict[tuple[int, str, str, str], list[tuple[bytes, bytes, bytes]]] = {}
        for *form, keys, lengths, digests in rows:
            chunks.setdefault(tuple(form), []).append((keys, lengths, digests))
        found = []
        for form, parts in chunks.items():
            with suppress(TypeError, ValueError, OverflowError):
                found.append(_segment(form, parts))
        return found

    def begin(
        self, function: str, tap: str, file: str, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> int:
        """Enter a new segment before its file is created, so that no file is unknown."""
        number = randbits(62)
        row = (number, function, tap, file, dtype.str, json.dumps(shape), time.time())
        insert = "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._query(lambda db: db.execute(insert, row), change=True)
        return number

    def commit(self, chunks: list[tuple[int, Keys, NDArray[np.int64], NDArray[np.uint64]]]) -> bool:
        """Enter the rows written to segments; enter none, and return False, if one was evicted."""

        def enter(db: sqlite3.Connection) -> bool:
            for number, *_ in chunks:
                if db.execute("SELECT 1 FROM segments WHERE id = ?", (number,)).fetchone() is None:
                    return False
            db.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, ?)",
                [(number, *(part.tobytes() for part in parts)) for number, *parts in chunks],
            )
            return True

        return self._query(enter, change=True)

    def unfinished(self, function: str) -> dict[int, str]:
        """Return the segments of a function without committed rows, and their files."""
        query = (
            "SELECT id, file FROM segments WHERE function = ?"
            " AND id NOT IN (SELECT segment FROM chunks)"
        )
        return self._query(lambda db: dict(db.execute(query, (function,)).fetchall()))

    def use(self, numbers: list[int]) -> None:
        """Record the use of segments now, unless the disk is full."""
        update, now = "UPDATE segments SET used = ? WHERE id = ?", time.time()
        self._record(lambda db: db.executemany(update, [(now, number) for number in numbers]))

    def use_artifact(self, folder: str, key: str) -> None:
        """Record the use of an artifact now, unless the disk is full."""
        row = (folder, key, time.time())
        self._record(lambda db: db.execute("REPLACE INTO artifacts VALUES (?, ?, ?)", row))

    def _record(self, change: Callable[[sqlite3.Connection], object]) -> None:
        if not self.read_only:
            with suppress(OSError):
                self._query(change, change=True)

    def forget(self, *, segments: tuple[int, ...] = (), artifacts: tuple[str, ...] = ()) -> None:
        """Delete segments, with their rows, and artifacts from the index."""

        def delete(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM segments WHERE id = ?", [(n,) for n in segments])
            db.executemany("DELETE FROM artifacts WHERE folder = ?", [(f,) for f in artifacts])

        if not self.read_only:
            self._query(delete, change=True)

    def all_segments(self) -> list[tuple[int, str, str, float]]:
        """Return number, function, file and time of last use of each segment."""
        query = "SELECT id, function, file, used FROM segments"
        return self._query(lambda db: db.execute(query).fetchall())

    def all_artifacts(self) -> list[tuple[str, str, float]]:
        """Return folder, key and time of last use of each artifact."""
        query = "SELECT folder, key, used FROM artifacts"
        return self._query(lambda db: db.execute(query).fetchall())


def _segment(form: tuple[int, str, str, str], parts: list[tuple[bytes, bytes, bytes]]) -> Segment:
    """Read a segment; an error if it is damaged."""
    number, file, dtype, shape = form
    blobs = [b"".join(column) for column in zip(*parts, strict=True)]
    keys = np.frombuffer(blobs[0], KEY)
    lengths, digests = np.frombuffer(blobs[1], np.int64), np.frombuffer(blobs[2], np.uint64)
    size = tuple(int(length) for length in json.loads(shape))
    ragged = size[:1] == (-1,)
    if len(digests) != len(keys) or len(lengths) != (len(keys) if ragged else 0):
        raise ValueError(number)
    return Segment(number, file, np.dtype(dtype), size, keys, lengths, digests)
