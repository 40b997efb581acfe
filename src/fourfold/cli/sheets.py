"""Sheets: rows as they are written, with places for labels, to be filled in and read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from fourfold.core.atomic import whole_file
from fourfold.data.schema.cells import written
from fourfold.errors import FileError, ParameterError
from fourfold.readers.files import named
from fourfold.readers.parts import read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.data.schema import Hints
    from fourfold.picking import Picks
    from fourfold.readers.parts import Part

__all__ = ["check_free", "label_columns", "read_sheet", "write_picks", "write_sheet"]

FILE_NAME: Final = "file_name"
"""Column of files, by which :func:`~fourfold.read_domain` knows a list of them."""
SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which spreadsheets take a text for a formula."""


def check_free(output: Path) -> None:
    """Refuse to write over a file, in which somebody may have filled in labels.

    Raises
    ------
    ParameterError
        If it is no CSV file.
    FileError
        If it is there.
    """
    if output.suffix.lower() != ".csv":
        raise ParameterError(f"--output must be a .csv file; got {output}")
    if output.exists():
        raise FileError(
            f"{output} must be free for the picked rows; it is there, maybe with labels: name "
            "another file, or remove it"
        )


def label_columns(target: Domain, hints: Hints) -> tuple[str, ...]:
    """Return the columns of labels: those of the data, or the ones that were said, or ``label``."""
    schema = target.schema
    known = () if schema is None or schema.labels is None else schema.labels.columns
    return known or hints.among(()).label or ("label",)


def write_picks(
    picks: Picks, piles: Sequence[tuple[Path, Domain]], labels: Sequence[str], output: Path
) -> int:
    """Write the picked rows without labels, then those that have some; return the latter's number.

    Their cells are as in the target, so that the file is read back as it: texts that a spreadsheet
    would run stay, too.

    Parameters
    ----------
    picks
        Picked rows of the target.
    piles
        Path and content of the target, and, if there are some, of rows labelled elsewhere.
    labels
        Columns of labels.
    output
        CSV file.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    sheets = [read_sheet(path, labels, output.parent) for path, _ in piles]
    first = sheets[0].iloc[picks.positions].copy()
    first[list(labels)] = None
    pairs = zip(sheets, piles, strict=True)
    known = [sheet[domain.labelled].reindex(columns=first.columns) for sheet, (_, domain) in pairs]
    sheet = pd.concat([first, *known])
    write_sheet(sheet, output, "the picked rows", escape=False)
    return len(sheet) - len(first)


def write_sheet(sheet: pd.DataFrame, output: Path, content: str, *, escape: bool) -> None:
    """Write a sheet as a CSV file, whole or not at all.

    Parameters
    ----------
    sheet, output
        Columns of cells, and the file.
    content
        Name of what is written, for errors.
    escape
        Whether texts that a spreadsheet would run begin with an apostrophe; numbers never do.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(output) as part:
            (sheet.apply(_escaped) if escape else sheet).to_csv(part, index=False)
    except OSError as error:
        why = error.strerror or error
        raise FileError(f"{output} must be writable for {content}; got: {why}") from error


def read_sheet(path: Path, labels: Sequence[str], folder: Path) -> pd.DataFrame:
    """Read rows as they are written, in order, with columns for labels: a frame of texts.

    A table keeps its columns. Pictures, sounds and texts in files are named in a column
    ``file_name``, relative to the folder that the sheet is for, and keep what stands beside them in
    a list; their sub-folders are labels. Rows of an array have numbers from 1, in a column ``row``.

    Parameters
    ----------
    path
        File or folder, as in :func:`~fourfold.read_domain`.
    labels
        Columns of labels, which are empty where the rows have none.
    folder
        Folder of the sheet.

    Raises
    ------
    FileError, DataError
        As :func:`~fourfold.read_domain`.
    """
    part = read_part(path, None, None)
    with named(path):
        cells = {} if part.pile is None else part.pile.columns
        columns = {name: written(column).to_pandas() for name, column in cells.items()}
        sheet = pd.DataFrame(_names(part, folder) | columns, dtype=object)
    for name in labels:
        if name not in sheet:
            sheet[name] = part.y if len(labels) == 1 and part.y is not None else None
    return sheet


def _escaped(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column whose texts no spreadsheet runs."""
    return cells if cells.dtype.kind in "biufM" else cells.map(_plain)


def _plain(value: Any) -> Any:
    """Return a text that no spreadsheet runs; numbers stay as they are."""
    if not isinstance(value, str) or not value.startswith(SIGNS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _names(part: Part, folder: Path) -> dict[str, list[str | int]]:
    """Return the column that names rows of anything but a table."""
    if part.rows is None:
        return {}
    if part.ids is None:
        return {"row": list(range(1, part.rows.n + 1))}
    base = part.path if part.path.is_dir() else part.path.parent
    return {FILE_NAME: [Path(os.path.relpath(base / name, folder)).as_posix() for name in part.ids]}
