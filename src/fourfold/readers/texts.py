"""Texts from folders of ``.txt`` files, and from tables whose only input is a column of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.core.memory import check_fits
from fourfold.data.rows import FrameRows, TextRows
from fourfold.errors import DataError
from fourfold.readers.files import file_size, named, read_text
from fourfold.readers.media.decoded import in_threads
from fourfold.readers.media.failures import Failures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from fourfold.data.rows import Rows

__all__ = ["TEXTS", "as_texts", "read_files"]

TEXTS: Final = (".txt",)
MOST_BYTES: Final = 5
"""Bytes of a letter: as it is written, and in memory."""


def read_files(paths: Sequence[Path]) -> TextRows:
    """Read texts in UTF-8, one per file; errors name the file."""
    check_fits(MOST_BYTES * sum(map(_size, paths)), "the texts")

    def read(at: int) -> str:
        with named(paths[at]):
            text = read_text(paths[at])
            if not text.strip():
                raise DataError("a text must have at least one word: fill or remove it; got none")
        return "\n".join(text.splitlines())

    failed = Failures("text", lambda at: str(paths[at]))
    found = list(in_threads(failed.guard(read), range(len(paths))))
    failed.check()
    return TextRows([text for text in found if text is not None])


def _size(path: Path) -> int:
    with named(path):
        return file_size(path)


def as_texts(paths: Sequence[Path], rows: Sequence[Rows], like: Rows | None = None) -> list[Rows]:
    """Convert tables to texts if each has a single column of text; return other rows unchanged.

    Strings are text if most of them differ and have several words: see
    :func:`~fourfold.preparation.table_columns.sort_columns`. If the rows to align with, ``like``,
    are texts, a table's column of the same name, or its only column, is text even with few or short
    cells. A DataError names the file with a missing or empty cell.
    """
    names = [_column(part, like) for part in rows]
    tables = [part.frame for part in rows if isinstance(part, FrameRows)]
    if None in names or not tables or not (like or _is_text(tables)):
        return list(rows)
    return [_texts(*each) for each in zip(paths, rows, names, strict=True)]


def _column(rows: Rows, like: Rows | None) -> Any:
    """Return the name of the column that may be text; None without any."""
    if not isinstance(rows, FrameRows):
        return "" if isinstance(rows, TextRows) else None
    columns = list(rows.frame.columns)
    if isinstance(like, TextRows) and like.column in columns:
        return like.column
    return columns[0] if len(columns) == 1 and isinstance(like, TextRows | None) else None


def _is_text(tables: Sequence[pd.DataFrame]) -> bool:
    """Return whether tables of one column hold text; the column may have several names."""
    from fourfold.preparation.table_columns import sort_columns

    name = tables[0].columns[0]
    return bool(sort_columns([frame.set_axis([name], axis=1) for frame in tables]).text)


def _texts(path: Path, rows: Rows, name: Any) -> Rows:
    if not isinstance(rows, FrameRows):
        return rows
    with named(path):
        return TextRows(rows.frame[name].tolist(), str(name))
