"""Tables from CSV, JSON and Parquet files, parsed by Arrow."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from fourfold.data.rows import FrameRows
from fourfold.errors import DataError
from fourfold.readers.files import decoding, open_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["column_as_text", "read_table"]

DATES: Final = (pa_csv.ISO8601, "%Y/%m/%d", "%d.%m.%Y")
"""Recognized forms of dates; 1/2/2020 is ambiguous and stays a text."""
LONGEST: Final = 1 << 26
"""Longest line of a JSON file, in bytes."""
MISSING: Final = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
)
"""Spellings of a missing cell."""


def read_table(path: Path, label: str | None) -> tuple[FrameRows, pd.Series[Any] | None]:
    """Read the inputs of a table and its column of labels, if it has this column.

    Cells are numbers, categories, dates, booleans or texts, and may be missing. A ``.jsonl`` or
    ``.jsonl.gz`` file has one object per line; what is not ``.parquet`` either is delimited text in
    UTF-8 with a header, in which the delimiter (comma, semicolon or tab) is detected.

    Raises
    ------
    DataError
        If the file is not UTF-8, if a row is not an object or has another number of cells than the
        header, if a column name occurs twice, if a column holds lists, or if there are no rows or
        no columns besides the label.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        table = _parquet(path)
    else:
        table = _objects(path) if name.endswith((".jsonl", ".jsonl.gz")) else _delimited(path)
    _check(table)
    frame = _frame(table)
    y = None if label is None or label not in frame.columns else frame.pop(label)
    if not frame.shape[1]:
        raise DataError(f"a table must have columns besides the label; got only {label!r}")
    return FrameRows(frame), y


def column_as_text(path: Path, name: str) -> list[str]:
    """Read a column of delimited text as strings, without any conversion."""
    written = pa_csv.ConvertOptions(
        include_columns=[name], column_types={name: pa.string()}, strings_can_be_null=False
    )
    cells: list[str] = _arrow(path, _delimiter(path), written).column(name).to_pylist()
    return cells


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(path).read()
    except pa.ArrowException as error:
        raise DataError(f"the file must be Parquet, undamaged; got: {error}") from error


def _objects(path: Path) -> pa.Table:
    """Read one object per line."""
    try:
        table = pa_json.read_json(path, pa_json.ReadOptions(block_size=LONGEST))
        table.validate(full=True)  # Arrow does not check the encoding before
    except (pa.ArrowException, OSError) as error:
        _explain_objects(path)
        raise DataError(f"the file must hold one object per line; got: {error}") from error
    return table


def _explain_objects(path: Path) -> None:
    """Raise the error for the first bad line of a table of objects."""
    line = 0
    try:
        with decoding(), open_text(path) as file:
            for line, content in enumerate(file, start=1):
                got = content.strip()
                # int() refuses thousands of digits
                if got and not isinstance(json.loads(content, parse_int=float), dict):
                    raise DataError(f"line {line} must be an object, {{...}}; got {got:.40}")
    except json.JSONDecodeError as error:
        raise DataError(f"line {line} must be JSON; got: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"line {line} must hold cells; got lists or objects too deep") from error
    if not line:
        raise DataError("a table must have at least one row; got none")


def _delimited(path: Path) -> pa.Table:
    delimiter = _delimiter(path)
    found = pa_csv.ConvertOptions(
        strings_can_be_null=True, null_values=MISSING, timestamp_parsers=DATES
    )
    try:
        table = _arrow(path, delimiter, found)
    except (pa.ArrowException, OSError) as error:
        _explain(path, delimiter)
        raise DataError(f"the file must be a table; got: {error}") from error
    if any(pa.types.is_binary(kind) for kind in table.schema.types):
        _explain(path, delimiter)  # Arrow keeps text that is not UTF-8 as bytes
    return table


def _arrow(path: Path, delimiter: str, cells: pa_csv.ConvertOptions) -> pa.Table:
    form = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    return pa_csv.read_csv(path, parse_options=form, convert_options=cells)


def _delimiter(path: Path) -> str:
    """Return the most frequent delimiter of the header."""
    with decoding(), open_text(path) as file:
        header = file.readline()
    return max(",;\t", key=header.count)


def _explain(path: Path, delimiter: str) -> None:
    """Raise the error for the first bad line of delimited text."""
    line = 0
    try:
        with decoding(), open_text(path) as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = next(reader, [])
            if not header:
                raise DataError("a table must have a header and at least one row; got none")
            line = reader.line_num
            for row in reader:
                line = reader.line_num
                if row and len(row) != len(header):
                    raise DataError(
                        f"line {line} must have {len(header)} cells, as the header has; "
                        f"got {len(row)}"
                    )
    except csv.Error as error:
        raise DataError(f"line {line + 1} must be a row of cells; got: {error}") from error


def _check(table: pa.Table) -> None:
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"column names must differ; got twice: {', '.join(twice)}")
    if not table.num_rows:
        raise DataError("a table must have at least one row; got none")
    for field in table.schema:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            raise DataError(
                "a table's cells must be numbers, dates, booleans or texts; "
                f"column {field.name!r} holds {field.type}"
            )


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
