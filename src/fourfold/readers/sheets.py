"""Sheets: the rows of a file or folder as they are written, for people to fill in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fourfold.data.schema.cells import written
from fourfold.readers.files import named
from fourfold.readers.parts import read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.readers.parts import Part

__all__ = ["FILE_NAME", "read_sheet"]

FILE_NAME = "file_name"
"""Column of files, by which :func:`~fourfold.read_domain` knows a list of them."""


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


def _names(part: Part, folder: Path) -> dict[str, list[str | int]]:
    """Return the column that names rows of anything but a table."""
    if part.rows is None:
        return {}
    if part.ids is None:
        return {"row": list(range(1, part.rows.n + 1))}
    base = part.path if part.path.is_dir() else part.path.parent
    return {FILE_NAME: [Path(os.path.relpath(base / name, folder)).as_posix() for name in part.ids]}
