"""Tables that list files, a row each, with labels and other columns beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from fourfold.data.schema.cells import missing_as_null
from fourfold.errors import DataError, some
from fourfold.readers.media.failures import check_there
from fourfold.readers.media.folders import is_item, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.data.schema.cells import Cells

__all__ = ["LISTS", "Listed", "find_list", "read_listed"]

LISTS: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Names of a list in the folder of its files, as Hugging Face's datasets know them."""
COLUMNS: Final = (
    *("file_name", "filename", "file", "file_path", "filepath", "path"),
    *("image", "image_path", "audio", "audio_path", "audio_filepath"),
)
"""Names of a column of files, in lower case."""


class Listed(NamedTuple):
    """Files that a table lists.

    Attributes
    ----------
    rows
        One for each row of the table.
    names
        (n,) paths as the table has them.
    column
        The table's column of these; all others stand beside the rows.
    """

    rows: Rows
    names: NDArray[Any]
    column: str


def find_list(folder: Path) -> Path | None:
    """Return the table in a folder that lists its files; None without one."""
    return next((folder / name for name in LISTS if (folder / name).is_file()), None)


def read_listed(
    table: Path, columns: Mapping[str, Cells], size: tuple[int, int] | None = None
) -> Listed | None:
    """Read the files that a table lists, if it does: pictures, sounds or texts.

    It does if the cells of a column such as ``file_name`` or ``path`` end as files of these kinds,
    and one of them is there, or at most one column stands beside them.

    Parameters
    ----------
    table
        The file, to whose folder the paths are relative.
    columns
        Name → cells, (n,), as Arrow has them.
    size
        As in :func:`~fourfold.read_domain`.

    Raises
    ------
    DataError
        If files are missing, up to ten of which are named, or of several kinds.
    """
    likely = [name for name in columns if str(name).lower() in COLUMNS]
    cells = {name: _texts(columns[name]) for name in likely}
    column = next((name for name, names in cells.items() if _lists(names)), None)
    if column is None:
        _check_endings(table, cells)
        return None
    names = cells[column]
    for row, name in enumerate(names, start=1):
        if not isinstance(name, str):
            raise DataError(f"column {column!r} must name a file in each row; row {row} has none")
    files = [table.parent / name for name in names]
    may_be_none = len(columns) > 2 and table.name not in LISTS
    if may_be_none and not any(file.is_file() for file in files):
        return None
    check_there(files, f"column {column!r}")
    return Listed(rows_of(files, size), names, column)


def _texts(cells: Cells) -> NDArray[Any]:
    """Return cells, (n,), missing ones as None."""
    return np.array(missing_as_null(cells).to_pylist(), object)


def _check_endings(table: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a list of files some of which are of other kinds.

    It is one if most cells of a column end as pictures, sounds or texts, and one of these is there.
    """
    for column, cells in columns.items():
        items = [isinstance(one, str) and is_item(Path(one)) for one in cells]
        rows = np.flatnonzero(~np.array(items, bool))
        if 2 * len(rows) < len(cells) and any(
            (table.parent / one).is_file() for one, item in zip(cells, items, strict=True) if item
        ):
            others = some([f"{cells[row]!r:.40} in row {row + 1}" for row in rows.tolist()], 3)
            raise DataError(
                f"column {column!r} must name pictures, sounds or texts; got also {others}"
            )


def _lists(cells: NDArray[Any]) -> bool:
    """Return whether cells, where there are some, are names of pictures, sounds or texts."""
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(isinstance(one, str) and is_item(Path(one)) for one in given)
