"""Tables from CSV, JSON and Parquet files, as columns of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from fourfold.data.schema import Pile
from fourfold.data.schema.cells import as_cells
from fourfold.errors import DataError
from fourfold.readers.columns import check_schema
from fourfold.readers.delimited import read_delimited
from fourfold.readers.files import short
from fourfold.readers.json_lines import read_json_lines
from fourfold.readers.parquet import read_parquet

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_table"]


def read_table(path: Path) -> Pile:
    """Read the columns of a table, whose cells have no kind yet.

    A ``.jsonl`` or ``.jsonl.gz`` file has one object per line. All but these, ``.parquet`` and
    ``.xlsx`` is delimited text in UTF-8 with a header, by commas, semicolons, tabs or pipes.

    Raises
    ------
    DataError
        If the file is not UTF-8, if a row is not an object or has another number of cells than the
        header, if a column name occurs twice, if a column holds lists, if there are more than
        20,000 columns or no rows, or if the table takes more memory than reading may.
    """
    name, first_line = path.name.lower(), None
    if name.endswith(".parquet"):
        table = read_parquet(path)
    elif name.endswith((".jsonl", ".jsonl.gz")):
        table, first_line = read_json_lines(path), 1
    elif name.endswith(".xlsx"):
        from fourfold.readers.xlsx import read_xlsx  # few need it

        table, first_line = read_xlsx(path), 2
    else:
        table, first_line = read_delimited(path), 2
    table = table.rename_columns([normalize("NFC", one) for one in table.column_names])
    check_schema(table.schema)
    if not table.num_rows:
        raise DataError("a table must have at least one row; got none")
    columns = {one: as_cells(table.column(one), one) for one in table.column_names}
    return Pile(short(path.name), columns, first_line)
