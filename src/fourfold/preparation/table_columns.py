"""The kinds of a table's columns: numbers, categories, dates and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from fourfold.errors import DataError
from fourfold.preparation.scripts import has_spaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    Name: TypeAlias = str | int

__all__ = ["ColumnKinds", "arranged", "sort_columns"]

MISSING = "missing"
"""The category of a missing cell."""
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
DATES = ("datetime64", "datetime", "date")
WORDS = ("string", "boolean", "empty")


class ColumnKinds(NamedTuple):
    """The names of a table's columns, by their kind."""

    numbers: list[Any]
    categories: list[Any]
    dates: list[Any]
    text: list[Any]
    spaced: bool
    """Whether words of the text are separated by spaces."""


def sort_columns(frames: Sequence[pd.DataFrame]) -> ColumnKinds:
    """Infer the kind of each column from the tables of all domains together.

    *Numbers*: numbers in every domain, or numbers in one and booleans in another. *Dates*:
    dates in every domain. Strings, categories and booleans are *categories*, except strings that
    are *text*: more than half of the nonempty cells are distinct, with on average at least 3 words,
    or at least 5 letters of a script without spaces (Thai, Chinese, Japanese).
    An empty column has any kind; one that is empty in all domains is a number.

    Raises
    ------
    DataError
        If the tables have different columns, a name occurs twice, or a column has several kinds or
        an unknown one.
    """
    names = _names(frames)
    kinds = {name: _common(name, [_kind(name, frame[name]) for frame in frames]) for name in names}
    groups: dict[str, list[Any]] = {kind: [] for kind in ("number", "category", "date", "text")}
    spaced = True
    for name, kind in kinds.items():
        group = kind
        if kind == "string":
            cells = pd.concat([frame[name].dropna() for frame in frames]).astype(str)
            group, apart = _text_or_category(cells)
            spaced = spaced and apart
        groups[group].append(name)
    return ColumnKinds(
        groups["number"], groups["category"], groups["date"], groups["text"], spaced=spaced
    )


def arranged(frame: pd.DataFrame, columns: ColumnKinds, who: str) -> pd.DataFrame:
    """Convert a table with the needed columns, in any order, to numbers and strings.

    They are float64 ``number 0``, ... (missing: NaN), strings ``category 0``, ... (missing:
    ``"missing"``) and ``text`` (missing: nothing).

    Raises
    ------
    DataError
        If a column is missing, is of another kind than in fit, or holds infinity.
    """
    needed = (*columns.numbers, *columns.categories, *columns.dates, *columns.text)
    lacking = [name for name in needed if name not in frame.columns]
    if lacking:
        raise DataError(
            f"the table must have the columns that {who} was fitted on; "
            f"missing: {', '.join(map(str, lacking))}"
        )
    parts: dict[str, Any] = {}
    numbers = [_number(name, frame[name]) for name in columns.numbers]
    for name in columns.dates:
        numbers += _date_parts(name, frame[name])
    for i, values in enumerate(numbers):
        parts[f"number {i}"] = values
    for i, name in enumerate(columns.categories):
        parts[f"category {i}"] = np.array([_word(cell) for cell in _cells(frame[name])], object)
    if columns.text:
        cells = zip(*(_cells(frame[name]) for name in columns.text), strict=True)
        parts["text"] = np.array(["\n".join(c for c in row if c) for row in cells], object)
    return pd.DataFrame(parts, index=pd.RangeIndex(len(frame)))


def _names(frames: Sequence[pd.DataFrame]) -> list[Any]:
    first = list(frames[0].columns)
    for frame in frames:
        if not frame.columns.is_unique:
            raise DataError("a table's column names must differ; one occurs twice")
        apart = set(frame.columns) ^ set(first)
        if apart:
            odd = ", ".join(sorted(map(str, apart)))
            raise DataError(f"tables must have the same columns; only one has {odd}")
    if not all(isinstance(name, (str, int, np.integer)) for name in first):
        raise DataError(f"column names must be strings or whole numbers; got {first}")
    plain = [name if isinstance(name, str) else int(name) for name in first]
    return sorted(plain, key=str)  # in whatever order a file has them


def _kind(name: Name, column: pd.Series[Any]) -> str:
    """Return a column's kind in one domain: number, boolean, date, string, category or empty."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    found = pd.api.types.infer_dtype(column, skipna=True)
    if found == "empty" or not column.notna().any():
        return "empty"
    if found in NUMBERS:
        return "number"
    if found in DATES:
        return "date"
    if found in WORDS:
        return found
    raise DataError(
        f"column {name!r} must hold numbers, dates, booleans or texts, one of them; got {found}"
    )


def _common(name: Name, kinds: list[str]) -> str:
    """Return a column's kind in all domains."""
    found = set(kinds) - {"empty"}
    if found <= {"boolean", "number"} and found != {"boolean"}:
        return "number"
    if found <= {"string", "category", "boolean"}:
        return "string" if found == {"string"} else "category"
    if found == {"date"}:
        return "date"
    raise DataError(
        f"column {name!r} must hold the same in all domains; got {' and '.join(sorted(found))}"
    )


def _text_or_category(cells: pd.Series[str]) -> tuple[str, bool]:
    """Tell text from categories, and spaced words from others."""
    distinct = cells.drop_duplicates()
    if len(distinct) <= len(cells) / 2 or len(distinct) < 2:
        return "category", True
    words = float(np.mean([len(cell.split()) for cell in distinct]))
    if not has_spaces(distinct):
        return "text", False
    return ("text" if words >= 3 else "category"), True


def _cells(column: pd.Series[Any]) -> list[Any]:
    there = column.notna().to_numpy()
    return [cell if t else "" for cell, t in zip(column.tolist(), there, strict=True)]


def _word(cell: Any) -> str:
    """Name a category; 3.0 is 3, as missing cells turn whole numbers into floats."""
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if whole else cell) if cell != "" else MISSING


def _number(name: Name, column: pd.Series[Any]) -> Any:
    if _kind(name, column) not in {"number", "boolean", "empty"}:
        raise DataError(f"column {name!r} must hold numbers, as at fit; got {column.dtype}")
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise DataError(f"column {name!r} must hold finite numbers; got infinity (inf)")
    return values


def _date_parts(name: Name, column: pd.Series[Any]) -> list[Any]:
    """Return year, month, day of the week, and days since 1970."""
    if _kind(name, column) not in {"date", "empty"}:
        raise DataError(f"column {name!r} must hold dates, as at fit; got {column.dtype}")
    moments = pd.to_datetime(column, utc=True)
    days = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    parts = (moments.dt.year, moments.dt.month, moments.dt.day_of_week, days)
    return [part.to_numpy(np.float64, na_value=np.nan) for part in parts]
