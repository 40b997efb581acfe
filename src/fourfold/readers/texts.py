"""Texts: folders of ``.txt`` files, and tables whose only input is a column of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.data.rows import FrameRows, TextRows
from fourfold.errors import DataError, FileError
from fourfold.readers.encoded import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from fourfold.data.rows import Rows
    from fourfold.readers.folders import Folder

__all__ = ["TEXTS", "as_texts", "read_folder"]

TEXTS: Final = (".txt",)


def read_folder(folder: Folder) -> tuple[TextRows, Any]:
    """Read a folder of texts, one a file, in UTF-8.

    Parameters
    ----------
    folder
        Files with a text's ending.

    Returns
    -------
    The texts in the order of their paths, and their labels, or None if none has one.

    Raises
    ------
    DataError
        If a file is empty, or in another encoding than UTF-8; the message names it and the byte.
    FileError
        If one cannot be read.
    """
    paths = folder.paths
    return TextRows(list(in_threads(lambda at: _read(paths[at]), range(len(paths))))), folder.labels


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the text {path} must be UTF-8: save it as UTF-8 in the program it comes from; got "
            f"byte 0x{error.object[error.start]:02x} at position {error.start}"
        ) from error
    except OSError as error:
        raise FileError(f"the text {path} must be readable; got: {error}") from error
    if not text.strip():
        raise DataError(f"the text {path} must have something in it: fill or remove it; got none")
    return "\n".join(text.splitlines())


def as_texts(
    places: Sequence[Path | str], rows: Sequence[Rows], like: Rows | None = None
) -> list[Rows]:
    """Take for texts what is a table of one column, of text, in every domain.

    Strings are text where most of them differ and they have several words: see
    :func:`~fourfold.preparation.table_columns.sort_columns`. Other rows are returned as they are.

    Parameters
    ----------
    places
        What messages call each domain.
    rows
        The inputs of each.
    like
        Rows that the others are lined up with: where these are texts, a table's column of the same
        name, or its only one, is text too, however short or few its cells are.

    Raises
    ------
    DataError
        If a cell of such a column is missing or empty.
    """
    names = [_column(part, like) for part in rows]
    tables = [part.frame for part in rows if isinstance(part, FrameRows)]
    if None in names or not tables or not (like or _is_text(tables)):
        return list(rows)
    return [_texts(*one) for one in zip(places, rows, names, strict=True)]


def _column(rows: Rows, like: Rows | None) -> Any:
    """Return the name of the column that may be text; None where there is none."""
    if not isinstance(rows, FrameRows):
        return "" if isinstance(rows, TextRows) else None
    columns = list(rows.frame.columns)
    if isinstance(like, TextRows) and like.column in columns:
        return like.column
    return columns[0] if len(columns) == 1 and isinstance(like, TextRows | None) else None


def _is_text(tables: Sequence[pd.DataFrame]) -> bool:
    """Tell whether tables of one column hold text; the column may be called otherwise in each."""
    from fourfold.preparation.table_columns import sort_columns

    name = tables[0].columns[0]
    return bool(sort_columns([frame.set_axis([name], axis=1) for frame in tables]).text)


def _texts(place: Path | str, rows: Rows, name: Any) -> Rows:
    if not isinstance(rows, FrameRows):
        return rows
    try:
        return TextRows(rows.frame[name].tolist(), str(name))
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
