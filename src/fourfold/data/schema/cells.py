"""Cells of a column: written ones as texts, typed ones as they are, missing ones as null."""

from __future__ import annotations

from contextlib import suppress
from math import isnan
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "MARKS",
    "Cells",
    "as_cells",
    "as_word",
    "distinct",
    "is_category",
    "is_written",
    "missing_as_null",
    "numbers_among",
    "truth_as_digits",
    "written",
]

Cells: TypeAlias = Any
"""A column of a table: a ``ChunkedArray`` of Arrow."""
MARKS: Final = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
)
"""Marks of a missing cell."""
TRUTH: Final = {"true": "1", "false": "0"}
HEAD: Final = 100
"""Cells that are looked at before all are."""


def as_cells(values: Any, name: object = "") -> Cells:
    """Convert a column of a data frame or of Arrow to cells; mixed objects become texts.

    Raises
    ------
    DataError
        If the column holds lists, bytes or other objects.
    """
    if isinstance(values, pa.ChunkedArray):
        return _flat(values)
    import pandas as pd

    column = pd.Series(values)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _named(column.astype(object)).dictionary_encode()
    try:
        cells = pa.chunked_array([pa.array(column, from_pandas=True)])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        there = column[column.notna()]
        strange = [cell for cell in there if not isinstance(cell, (*PLAIN, pd.Timestamp))]
        if strange:
            raise DataError(
                f"column {name!r} must hold numbers, dates, booleans or texts; got "
                f"{some(sorted({type(cell).__name__ for cell in strange}))}"
            ) from None
        return _named(column)
    if pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type):
        raise DataError(
            f"column {name!r} must hold numbers, dates, booleans or texts; got {cells.type}"
        )
    return _flat(cells)


def is_written(cells: Cells) -> bool:
    """Return whether cells are texts."""
    return bool(pa.types.is_string(cells.type))


def is_category(cells: Cells) -> bool:
    """Return whether cells are of a categorical type."""
    return bool(pa.types.is_dictionary(cells.type))


def written(cells: Cells) -> Cells:
    """Write typed cells as texts: whole floats without a point, dates as in ISO 8601."""
    if is_category(cells):
        return cells.cast(pa.string())
    if is_written(cells):
        return cells
    if pa.types.is_floating(cells.type):
        whole = pc.equal(cells, pc.floor(cells))
        small = pc.less(pc.abs(cells), 2.0**53)
        plain = pc.if_else(pc.and_(whole, small), cells, None)
        texts = plain.cast(pa.int64()).cast(pa.string())
        return pc.coalesce(texts, cells.cast(pa.string()))
    return cells.cast(pa.string())


def missing_as_null(cells: Cells, marks: Sequence[str] = MARKS) -> Cells:
    """Trim texts in Unicode NFC, and replace marks of missing cells, and NaN, by null."""
    if is_category(cells):
        cells = cells.cast(pa.string())
    if is_written(cells):
        ascii_only = pc.all(pc.string_is_ascii(cells)).as_py() is not False
        texts = cells if ascii_only else pc.utf8_normalize(cells, form="NFC")
        texts = (pc.ascii_trim_whitespace if ascii_only else pc.utf8_trim_whitespace)(texts)
        gone = pc.is_in(texts, value_set=pa.array([*marks], texts.type))
        return pc.if_else(gone, None, texts)
    if pa.types.is_floating(cells.type):
        cells = pc.if_else(pc.is_nan(cells), None, cells)
    numbers = numbers_among(marks)
    if numbers and (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)):
        gone = pc.is_in(cells.cast(pa.float64()), value_set=pa.array(numbers, pa.float64()))
        cells = pc.if_else(gone, None, cells)
    return cells


def truth_as_digits(cells: Cells) -> Cells | None:
    """Write true and false as 1 and 0, beside others; return None for any other text."""
    known = {*TRUTH, *TRUTH.values()}
    for part in (cells[:HEAD], cells):
        if not {text.lower() for text in pc.unique(part).drop_null().to_pylist()} <= known:
            return None
    lower = pc.utf8_lower(cells)
    for word, digit in TRUTH.items():
        lower = pc.if_else(pc.equal(lower, word), digit, lower)
    return lower


def distinct(piles: Iterable[Cells]) -> list[str]:
    """Return the different texts of several piles, sorted."""
    found: set[str] = set()
    for cells in piles:
        found.update(pc.unique(cells).drop_null().to_pylist())
    return sorted(found)


def _named(column: Any) -> Cells:
    """Write all cells of a pandas Series as texts."""
    texts = column.where(column.isna(), column.map(as_word))
    return pa.chunked_array([pa.array(texts, pa.string(), from_pandas=True)])


def _flat(cells: Cells) -> Cells:
    """Convert times of day, zones, decimals and empty columns to plain types."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return cells
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return cells.cast(pa.string())
    if pa.types.is_timestamp(kind):
        zone = kind.tz is not None
        moments = cells.cast(pa.timestamp("us", "UTC" if zone else None), safe=False)
        return moments.cast(pa.timestamp("us")) if zone else moments
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("us"))
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        long = pa.types.is_time64(kind) or pa.types.is_duration(kind)
        per_second = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        numbers = cells.cast(pa.int64() if long else pa.int32()).cast(pa.float64())
        return pc.divide(numbers, float(per_second))
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind) or pa.types.is_float32(kind):
        return cells.cast(pa.float64())
    return cells


PLAIN: Final = (str, bool, int, float)


def as_word(cell: Any) -> str:
    """Write a cell or a label: 3 for 3.0."""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


def numbers_among(marks: Sequence[str]) -> list[float]:
    """Return the marks of missing cells that are numbers."""
    numbers = []
    for mark in marks:
        with suppress(ValueError):
            numbers.append(float(mark))
    return [number for number in numbers if not isnan(number)]
