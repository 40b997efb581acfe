"""The columns of a table as numbers, categories and text."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fourfold.data.schema import NAMES_ROWS, Column, Hints, Note, Pile, as_pile, read_piles
from fourfold.data.schema.inference.remarks import strange_cells
from fourfold.data.scripts import separated
from fourfold.errors import DataError, FourfoldWarning, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.data.schema import Schema
    from fourfold.data.schema.column import Odd

__all__ = [
    "DATE_PARTS",
    "MISSING",
    "ColumnKinds",
    "arranged",
    "date_parts",
    "sort_columns",
    "warn_of_unseen",
]

DATE_PARTS: Final = ("year", "month", "day of the week", "days since 1970")
"""Numbers that a date becomes."""

FEW = 20
"""Among more cells than these some must fit."""
SHOWN = 3
MISSING: Final = "missing"
"""The category of a missing cell."""


class ColumnKinds(NamedTuple):
    """The columns of a table that are inputs, by name and by their kind.

    Attributes
    ----------
    columns
        Name → column.
    names_rows
        Name of the column that names the rows; None without one.
    """

    columns: dict[Any, Column]
    names_rows: Any = None

    def of(self, kind: str) -> list[Any]:
        """Return the names of the columns of a kind."""
        return [name for name, column in self.columns.items() if column.kind == kind]

    @property
    def numbers(self) -> list[Any]:
        """Names of the columns of numbers."""
        return self.of("number")

    @property
    def categories(self) -> list[Any]:
        """Names of the columns of categories."""
        return self.of("category")

    @property
    def dates(self) -> list[Any]:
        """Names of the columns of dates."""
        return self.of("date")

    @property
    def text(self) -> list[Any]:
        """Names of the columns of text."""
        return self.of("text")

    @property
    def plain(self) -> list[Any]:
        """Column of each number that is an input, parts of dates among them."""
        return [*self.numbers, *(name for name in self.dates for _ in DATE_PARTS)]

    def to_json(self) -> dict[str, Any]:
        """Return the columns as JSON; names may be numbers."""
        columns = [[name, column.to_json()] for name, column in self.columns.items()]
        return {"columns": columns, "names_rows": self.names_rows}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> ColumnKinds:
        """Rebuild from :meth:`to_json`."""
        columns = {name: Column.of_json(name, column) for name, column in said["columns"]}
        return cls(columns, said["names_rows"])


def sort_columns(rows: Sequence[Rows], frames: Sequence[pd.DataFrame]) -> ColumnKinds:
    """Return the columns of all domains: those of their schema, or inferred from all together.

    A column that is left out is not among them; it is a warning where there is no schema, by which
    it was said already.

    Raises
    ------
    DataError
        If the tables have different columns, or none that is an input.
    """
    known = next((part.columns for part in rows if part.columns is not None), None)
    if known is None:
        piles = [as_pile(frame, f"table {at}") for at, frame in enumerate(frames, 1)]
        schema, _ = read_piles(piles, Hints())
        known = schema.columns
        _warn_of_left_out(schema)
    _check_one_kind([part.columns for part in rows if part.columns is not None])
    columns = {name: known[name] for name in sorted(known, key=str) if known[name].used}
    return ColumnKinds(
        columns, next((name for name in known if known[name].why == NAMES_ROWS), None)
    )


def _check_one_kind(schemas: Sequence[Mapping[Any, Column]]) -> None:
    """Refuse columns that were read as one kind here and as another one there."""
    used = [{name: one.kind for name, one in of.items() if one.used} for of in schemas]
    for name in {name for kinds in used for name in kinds}:
        kinds = sorted({of[name] for of in used if name in of})
        if len(kinds) > 1:
            raise DataError(
                f"column {name!r} must be of one kind in all domains; got {' and '.join(kinds)}: "
                "read the files together, read_domains(...), or give both one schema"
            )


def _warn_of_left_out(schema: Schema) -> None:
    """Warn of columns that are left out though nobody asked for that."""
    notes = [note for note in schema.notes if note.option == "keep"]
    for note in notes:
        said = f"column {note.sentence}: infer_schema with Hints(keep=({note.value!r},)) keeps it"
        warnings.warn(one_line(said), FourfoldWarning, stacklevel=2)


def arranged(frame: pd.DataFrame, columns: ColumnKinds, who: str) -> pd.DataFrame:
    """Convert a table with the needed columns, in any order, to numbers and strings.

    They are float64 ``number 0``, ... (missing: NaN), strings ``category 0``, ... (missing:
    ``"missing"``) and ``text`` (missing: nothing), with spaces between its words. Cells that do not
    fit are missing, by a warning.

    Raises
    ------
    DataError
        If a column is missing or holds objects.
    """
    lacking = [name for name in columns.columns if name not in frame.columns]
    if lacking:
        raise DataError(
            f"the table must have the columns that {who} was fitted on; "
            f"missing: {', '.join(map(str, lacking))}"
        )
    read = {name: column.read(frame[name], name) for name, column in columns.columns.items()}
    odd = {name: one.odd for name, one in read.items() if one.odd is not None}
    _warn_of_odd(frame, columns, odd)
    numbers = [read[name].cells for name in columns.numbers]
    for name in columns.dates:
        numbers += date_parts(read[name].cells)
    parts: dict[str, Any] = {f"number {i}": values for i, values in enumerate(numbers)}
    for i, name in enumerate(columns.categories):
        parts[f"category {i}"] = read[name].cells.fillna(MISSING).to_numpy(object)
    if columns.text:
        cells = zip(*(read[name].cells.fillna("") for name in columns.text), strict=True)
        texts = [separated("\n".join(c for c in row if c)) for row in cells]
        parts["text"] = np.array(texts, object)
    return pd.DataFrame(parts, index=pd.RangeIndex(len(frame)))


def _warn_of_odd(frame: pd.DataFrame, columns: ColumnKinds, odd: Mapping[Any, Odd]) -> None:
    for name, found in odd.items():
        column, cells = columns.columns[name], frame[name]
        if len(cells) > FEW and len(found.strange) + found.infinite == cells.notna().sum():
            raise DataError(f"column {name!r} must hold {column.kind}s, as at fit; got others")
        pile = as_pile(frame[[name]], "the table")
        for note in strange_cells([pile], name, column, [found]):
            warnings.warn(one_line(f"column {note.sentence}"), FourfoldWarning, stacklevel=2)


def warn_of_unseen(
    plain: pd.DataFrame, columns: ColumnKinds, known: Sequence[NDArray[Any]]
) -> None:
    """Warn of categories, of those known in each column, that are in none of the fitted rows."""
    for i, (name, categories) in enumerate(zip(columns.categories, known, strict=True)):
        cells = plain[f"category {i}"]
        there = {*cells.unique()} - {MISSING, *categories}
        if there:
            at = np.flatnonzero(cells.isin(there))
            pile = Pile("the table", {})
            first = [f"{cells[row]!r:.30} ({pile.place(row)})" for row in at[:SHOWN].tolist()]
            said = f"{len(at)} of {len(cells)} cells are categories that were never seen"
            note = Note(str(name), f"{said}: {', '.join(first)}")
            warnings.warn(one_line(f"column {note.sentence}"), FourfoldWarning, stacklevel=2)


def date_parts(moments: pd.Series[Any]) -> list[Any]:
    """Return year, month, day of the week, and days since 1970."""
    days = (moments - pd.Timestamp(0).as_unit("us")) / pd.Timedelta(days=1)  # year 9999, too
    parts = (moments.dt.year, moments.dt.month, moments.dt.day_of_week, days)
    return [part.to_numpy(np.float64, na_value=np.nan) for part in parts]
