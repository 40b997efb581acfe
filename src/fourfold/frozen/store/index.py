"""Index of a store: its segments with the keys of their rows, and its artifacts."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from fourfold.data.rows import KEY
from fourfold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Keys

__all__ = ["Segment", "StoreIndex"]

WAIT_SECONDS: Final = 60.0
TABLES: Final = """
CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, so that a writer recognizes its own
    function TEXT NOT NULL, tap TEXT NOT NULL, file TEXT NOT NULL,
    dtype TEXT NOT NULL, shape TEXT NOT NULL, used REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS by_function ON segments (function, tap);
CREATE TABLE IF NOT EXISTS chunks (
    segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    keys BLOB NOT NULL, lengths BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_segment ON chunks (segment);
CREATE TABLE IF NOT EXISTS artifacts (
    folder TEXT PRIMARY KEY, key TEXT NOT NULL, used REAL NOT NULL
);
"""


@final
@dataclass(frozen=True)
class Segment:
    """A file of values of one type and shape, in the order of their commits.

    Keys, (n,), are of the input row of each value. If values differ in length, the first axis of
    their shape is −1, and lengths are (n,); else these are empty.
    """

    id: int
    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    keys: Keys
    lengths: NDArray[np.int64]


@final
class StoreIndex:
    """Index of a store in one SQLite file; each query opens its own connection.

    A file that cannot be read or written is a FileError in any method, a full disk an OSError with
    ``ENOSPC``.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._connection() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(TABLES)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.file, WAIT_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA foreign_keys=ON")
                db.execute("PRAGMA synchronous=NORMAL")
                yield db
        except sqlite3.Error as error:
            # without the higher bits of extended codes
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
                raise OSError(errno.ENOSPC, "no room for the store's index", self.file) from error
            message = f"the store's index {self.file} must be readable and writable; got: {error}"
            raise FileError(message) from error

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that locks out other writers."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:
                yield db

    def segments(self, function: str, tap: str) -> list[Segment]:
        """Return the segments of a function's tap with their committed rows."""
        query = (
            "SELECT id, file, dtype, shape, keys, lengths FROM segments JOIN chunks ON segment = id"
            " WHERE function = ? AND tap = ? ORDER BY id, chunks.rowid"
        )
        with self._connection() as db:
            rows = db.execute(query, (function, tap)).fetchall()
        chunks: dict[tuple[int, str, str, str], list[tuple[bytes, bytes]]] = {}
        for *form, keys, lengths in rows:
            chunks.setdefault(tuple(form), []).append((keys, lengths))
        return [
            Segment(
                number,
                file,
                np.dtype(dtype),
                tuple(json.loads(shape)),
                np.frombuffer(b"".join(keys for keys, _ in parts), KEY),
                np.frombuffer(b"".join(lengths for _, lengths in parts), np.int64),
            )
            for (number, file, dtype, shape), parts in chunks.items()
        ]

    def begin(
        self, function: str, tap: str, file: str, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> int:
        """Enter a new segment before its file is created, so that no file is unknown."""
        with self._change() as db:
            number = db.execute(
                "INSERT INTO segments (function, tap, file, dtype, shape, used)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (function, tap, file, dtype.str, json.dumps(shape), time.time()),
            ).lastrowid
        return int(number or 0)

    def commit(self, chunks: list[tuple[int, Keys, NDArray[np.int64]]]) -> bool:
        """Enter the rows written to segments; enter none, and return False, if one was evicted."""
        ids = [number for number, _, _ in chunks]
        with self._change() as db:
            for number in ids:
                if db.execute("SELECT 1 FROM segments WHERE id = ?", (number,)).fetchone() is None:
                    return False
            db.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?)",
                [(number, keys.tobytes(), lengths.tobytes()) for number, keys, lengths in chunks],
            )
        return True

    def unfinished(self, function: str) -> dict[int, str]:
        """Return the segments of a function without committed rows, and their files."""
        query = (
            "SELECT id, file FROM segments WHERE function = ?"
            " AND id NOT IN (SELECT segment FROM chunks)"
        )
        with self._connection() as db:
            return dict(db.execute(query, (function,)).fetchall())

    def use(self, numbers: list[int]) -> None:
        """Record the use of segments now, unless the disk is full."""
        with suppress(OSError), self._change() as db:
            db.executemany(
                "UPDATE segments SET used = ? WHERE id = ?", [(time.time(), n) for n in numbers]
            )

    def use_artifact(self, folder: str, key: str) -> None:
        """Record the use of an artifact now, unless the disk is full."""
        with suppress(OSError), self._change() as db:
            db.execute("REPLACE INTO artifacts VALUES (?, ?, ?)", (folder, key, time.time()))

    def forget(self, *, segments: tuple[int, ...] = (), artifacts: tuple[str, ...] = ()) -> None:
        """Delete segments, with their rows, and artifacts from the index."""
        with self._change() as db:
            db.executemany("DELETE FROM segments WHERE id = ?", [(n,) for n in segments])
            db.executemany("DELETE FROM artifacts WHERE folder = ?", [(f,) for f in artifacts])

    def all_segments(self) -> list[tuple[int, str, str, float]]:
        """Return number, function, file and time of last use of each segment."""
        with self._connection() as db:
            return db.execute("SELECT id, function, file, used FROM segments").fetchall()

    def all_artifacts(self) -> list[tuple[str, str, float]]:
        """Return folder, key and time of last use of each artifact."""
        with self._connection() as db:
            return db.execute("SELECT folder, key, used FROM artifacts").fetchall()
