"""Delimited text, parsed by Arrow; errors name the line."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from fourfold.errors import DataError, counted
from fourfold.readers.columns import check_count, check_names
from fourfold.readers.files import bounded_lines, decoding, open_text, reason
from fourfold.readers.unpacking import open_table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["column_as_text", "column_names", "read_delimited"]

DELIMITERS: Final = ",;\t|"
QUOTED: Final = re.compile(r'"[^"]*("|$)')


def read_delimited(path: Path) -> pa.Table:
    """Read text in UTF-8 with a header, all cells as they are written.

    The delimiter is a comma, a semicolon, a tab or a pipe.

    Raises
    ------
    DataError
        If it is not UTF-8, has too many columns or one twice, or a row has another number of cells.
    """
    delimiter, names = _header(path)
    texts = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    try:
        return _without_blank_ends(_arrow(path, delimiter, texts))
    except (pa.ArrowException, OSError) as error:
        _explain(path, delimiter)
        raise DataError(f"the file must be a table; got: {reason(error)}") from error


def _without_blank_ends(table: pa.Table) -> pa.Table:
    """Return a table without last columns that are empty and have no name, as ``;;`` makes them."""
    while table.num_columns > 1 and not table.column_names[-1].strip():
        cells = table.column(table.num_columns - 1)
        if pc.any(pc.not_equal(pc.utf8_trim_whitespace(cells), "")).as_py():
            break
        table = table.remove_column(table.num_columns - 1)
    return table


def column_names(path: Path) -> list[str]:
    """Return the names of all columns."""
    form = pa_csv.ParseOptions(delimiter=_header(path)[0], newlines_in_values=True)
    with pa_csv.open_csv(path, parse_options=form) as file:
        names: list[str] = file.schema.names
    return names


def column_as_text(path: Path, name: str) -> list[str]:
    """Read a column as strings, without any conversion."""
    written = pa_csv.ConvertOptions(
        include_columns=[name], column_types={name: pa.string()}, strings_can_be_null=False
    )
    cells: list[str] = _arrow(path, _header(path)[0], written).column(name).to_pylist()
    return cells


def _header(path: Path) -> tuple[str, list[str]]:
    """Return the delimiter, the most frequent one outside of quotes, and the names of columns."""
    with decoding(), open_text(path) as file:
        lines = bounded_lines(file)
        first = next(lines, "")
        delimiter = max(DELIMITERS, key=QUOTED.sub("", first).count)
        check_count(first.count(delimiter) + 1 if '"' not in first else 1)
        names: list[str] = []
        with suppress(csv.Error):  # Arrow will refuse it
            names = next(csv.reader(chain([first], lines), delimiter=delimiter), [])
    check_count(len(names))
    check_names([name for name in names if name])  # those without a name may be empty
    return delimiter, names


def _arrow(path: Path, delimiter: str, cells: pa_csv.ConvertOptions) -> pa.Table:
    form = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with open_table(path, f"{delimiter}\n\r") as table:
        return pa_csv.read_csv(table, parse_options=form, convert_options=cells)


def _explain(path: Path, delimiter: str) -> None:
    """Raise the error for the first bad line of delimited text."""
    line = 0
    try:
        with decoding(), open_text(path) as file:
            reader = csv.reader(bounded_lines(file), delimiter=delimiter)
            header = next(reader, [])
            if not header:
                raise DataError("a table must have a header and at least one row; got none")
            line = reader.line_num
            for row in reader:
                line = reader.line_num
                if row and len(row) != len(header):
                    raise DataError(
                        f"line {line} must have {counted(len(header), 'cell')}, as the header has; "
                        f"got {len(row)}"
                    )
    except csv.Error as error:
        raise DataError(f"line {line + 1} must be a row of cells; got: {error}") from error
