"""Tables from CSV, JSON and Parquet files, as columns of cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

import pyarrow as pa

from fourfold.data.schema import Hints, Note, Pile
from fourfold.data.schema.cells import as_cells
from fourfold.data.schema.notes import joined
from fourfold.errors import DataError, some
from fourfold.readers.columns import check_names, check_schema, strange_columns
from fourfold.readers.content import check_content
from fourfold.readers.delimited import read_delimited
from fourfold.readers.files import short
from fourfold.readers.json_lines import read_json_lines
from fourfold.readers.parquet import read_parquet, read_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["read_table"]

KEEP_ALL: Final = Hints()
CELL: Final = re.compile(r"-\d+|[+-]?\d*[.,]\d+([eE][+-]?\d+)?")


def read_table(path: Path, hints: Hints | None = KEEP_ALL) -> Pile:
    """Read the columns of a table, whose cells have no kind yet.

    A ``.jsonl`` or ``.jsonl.gz`` file has one object per line. All but these, ``.parquet`` and
    ``.xlsx`` is delimited text in UTF-8 with a header, by commas, semicolons, tabs or pipes.

    Parameters
    ----------
    path
        The file.
    hints
        Columns that they drop are not looked at, and have no cells. With None, columns that no
        table may have, such as lists, are as if they were not there.

    Raises
    ------
    DataError
        If the file is not UTF-8, if a row is not an object or has another number of cells than the
        header, if a column name occurs twice, if a column holds lists, if there are more than
        20,000 columns or no rows, or if the table takes more memory than reading may.
    """
    check_content(path)
    name, first_line = path.name.lower(), None
    left: list[str] = []
    notes: tuple[Note, ...] = ()
    if name.endswith(".parquet"):
        left = _left(read_schema(path), hints)
        table = read_parquet(path, left=left)
    elif name.endswith((".jsonl", ".jsonl.gz")):
        table, first_line = read_json_lines(path), 1
    elif name.endswith(".xlsx"):
        from fourfold.readers.xlsx import read_xlsx  # few need it

        (table, others), first_line = read_xlsx(path), 2
        if others:
            said = f"the first sheet is read, and not {some(map(repr, others), 3)}"
            notes = (Note(short(path.name), said),)
    else:
        table, first_line = read_delimited(path), 2
    notes += _header_notes(path, table.column_names)
    check_names(table.column_names)
    gone = _left(table.schema, hints)
    table = table.drop_columns(gone)
    check_schema(table.schema)
    columns = {_composed(one): as_cells(table.column(one), one) for one in table.column_names}
    if hints is not None:
        nothing = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        columns |= dict.fromkeys(map(_composed, [*left, *gone]), nothing)
    if not table.num_rows:
        raise DataError("a table must have at least one row; got none")
    return Pile(short(path.name), columns, first_line, notes)


def _header_notes(path: Path, names: Sequence[str]) -> tuple[Note, ...]:
    """Return the doubt on names of columns that are numbers, as cells are."""
    cells = [name for name in names if CELL.fullmatch(name.strip())]
    said = f"its first row is read as names of columns, {joined(cells)}: is it a header?"
    return (Note(short(path.name), said),) if cells else ()


def _left(schema: pa.Schema, hints: Hints | None) -> list[str]:
    """Return the columns that are not looked at."""
    if hints is None:
        return strange_columns(schema)
    dropped = {*hints.among(map(_composed, schema.names)).drop}
    return [name for name in schema.names if _composed(name) in dropped]


def _composed(name: str) -> str:
    return normalize("NFC", name)
