"""Tables from CSV, JSON and Parquet files, as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.rows import FrameRows
from fourfold.errors import DataError
from fourfold.readers.columns import check_schema
from fourfold.readers.delimited import read_delimited
from fourfold.readers.json_lines import read_json_lines
from fourfold.readers.parquet import read_parquet

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read_table"]


def read_table(path: Path, label: str | None) -> tuple[FrameRows, pd.Series[Any] | None]:
    """Read the inputs of a table and its column of labels, if it has this column.

    Cells are numbers, categories, dates, booleans or texts, and may be missing. A ``.jsonl`` or
    ``.jsonl.gz`` file has one object per line; what is neither ``.parquet`` nor ``.xlsx`` either is
    delimited text in UTF-8 with a header, in which the delimiter (comma, semicolon or tab) is
    detected.

    Raises
    ------
    DataError
        If the file is not UTF-8, if a row is not an object or has another number of cells than the
        header, if a column name occurs twice, if a column holds lists, if there are more than
        20,000 columns, no rows or no columns besides the label, or if the table takes more memory
        than reading may.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        table = read_parquet(path)
    elif name.endswith((".jsonl", ".jsonl.gz")):
        table = read_json_lines(path)
    elif name.endswith(".xlsx"):
        from fourfold.readers.xlsx import read_xlsx  # few need it

        table = read_xlsx(path)
    else:
        table = read_delimited(path)
    check_schema(table.schema)
    if not table.num_rows:
        raise DataError("a table must have at least one row; got none")
    frame = _frame(table)
    y = None if label is None or label not in frame.columns else frame.pop(label)
    if not frame.shape[1]:
        raise DataError(f"a table must have columns besides the label; got only {label!r}")
    return FrameRows(frame), y


def _frame(table: pa.Table) -> pd.DataFrame:
    """Convert to a data frame: dates without zones, times of day in seconds, decimals as floats."""
    for at, field in enumerate(table.schema):
        plain = _plain(table.column(at), field.type)
        if plain is not None:
            table = table.set_column(at, field.name, plain)
    frame: pd.DataFrame = table.to_pandas(date_as_object=False).reset_index(drop=True)
    return frame


def _plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit))
    if pa.types.is_time(kind):
        micro = pa.types.is_time64(kind)
        unit = pa.int64() if micro else pa.int32()
        per_second = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        return pc.divide(column.cast(unit).cast(pa.float64()), float(per_second))
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return column.cast(pa.float64())
    return None
