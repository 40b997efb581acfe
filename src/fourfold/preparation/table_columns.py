"""Which columns of a table are numbers, categories, dates and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Name: TypeAlias = str | int

__all__ = ["Columns", "arranged", "has_spaces", "sort_columns"]

MISSING = "missing"
"""The category of a missing cell."""
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
DATES = ("datetime64", "datetime", "date")
WORDS = ("string", "boolean", "empty")


class Columns(NamedTuple):
    """The names of a table's columns, by what they are."""

    numbers: list[Any]
    categories: list[Any]
    dates: list[Any]
    text: list[Any]
    spaced: bool
    """Whether the text separates its words by spaces."""

    @property
    def needed(self) -> list[Any]:
        """All of them."""
        return [*self.numbers, *self.categories, *self.dates, *self.text]


def sort_columns(frames: Sequence[pd.DataFrame]) -> Columns:
    """Decide what each column is, from the tables of all domains together.

    *Numbers*: numbers in every domain, or numbers in one and booleans in another. *Dates*:
    dates in every domain. Strings, categories and booleans are *categories*, but for strings that
    are *text*: more than half of the cells that are there are distinct, and they have on average
    at least 3 words, or at least 5 letters of a script without spaces (Chinese, Japanese).
    A column that is empty in a domain says nothing there; one that is empty in all is a number.

    Raises
    ------
    DataError
        If the tables have other columns, a name occurs twice, a column is one thing in one domain
        and another in the next, or holds what is none of these.
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
    return Columns(
        groups["number"], groups["category"], groups["date"], groups["text"], spaced=spaced
    )


def arranged(frame: pd.DataFrame, columns: Columns, who: str) -> pd.DataFrame:
    """Write a table in plain numbers and strings, one column beside the other.

    Parameters
    ----------
    frame
        A table with at least the needed columns, in any order.
    columns
        What they are.
    who
        The class that messages speak of.

    Returns
    -------
    float64 columns ``number 0``, ... (missing: NaN), strings ``category 0``, ... (missing:
    ``"missing"``) and ``text`` (missing: nothing).

    Raises
    ------
    DataError
        If a column is missing, holds something else than at fit, or holds infinity.
    """
    lacking = [name for name in columns.needed if name not in frame.columns]
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
    return [name if isinstance(name, str) else int(name) for name in first]


def _kind(name: Name, column: pd.Series[Any]) -> str:
    """Say what a column is in one domain: number, boolean, date, string, category or empty."""
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
    """Say what a column is in all domains."""
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
    """Tell text from categories, and whether its words are apart."""
    distinct = cells.drop_duplicates()
    if len(distinct) <= len(cells) / 2 or len(distinct) < 2:
        return "category", True
    words = float(np.mean([len(cell.split()) for cell in distinct]))
    if not has_spaces(distinct):
        return "text", False
    return ("text" if words >= 3 else "category"), True


def has_spaces(texts: Iterable[str]) -> bool:
    """Tell whether texts separate their words; Chinese and Japanese do not."""
    wide = [sum(letter >= "\u2e80" for letter in text) for text in texts]
    return float(np.mean(wide)) < 5


def _cells(column: pd.Series[Any]) -> list[Any]:
    there = column.notna().to_numpy()
    return [cell if t else "" for cell, t in zip(column.tolist(), there, strict=True)]


def _word(cell: Any) -> str:
    """Write a category; 3.0 is 3, since a missing cell makes floats of whole numbers."""
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
    """Read dates as year, month, day of the week, and days since 1970."""
    if _kind(name, column) not in {"date", "empty"}:
        raise DataError(f"column {name!r} must hold dates, as at fit; got {column.dtype}")
    moments = pd.to_datetime(column, utc=True)
    days = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    parts = (moments.dt.year, moments.dt.month, moments.dt.day_of_week, days)
    return [part.to_numpy(np.float64, na_value=np.nan) for part in parts]
