"""Piles: the columns of one table each, before their cells have a kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fourfold.data.schema.cells import as_cells, is_written
from fourfold.data.schema.unused import way_out
from fourfold.errors import DataError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    import pandas as pd

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.notes import Note

__all__ = [
    "Pile",
    "as_pile",
    "check_label",
    "check_same_columns",
    "check_there",
    "in_one_name",
    "named_apart",
]


class Pile(NamedTuple):
    """The columns of one file or data frame, with the line of its first row, and notes on it."""

    name: str
    columns: Mapping[str, Cells]
    first_line: int | None = None
    notes: tuple[Note, ...] = ()

    def place(self, row: int) -> str:
        """Name the place of a row by its line, or by its number from 1."""
        return f"row {row + 1}" if self.first_line is None else f"line {row + self.first_line}"


def as_pile(frame: pd.DataFrame, name: str) -> Pile:
    """Return a data frame as a pile.

    Raises
    ------
    DataError
        If a name occurs twice or is neither a string nor a whole number, or a column holds objects.
    """
    if not frame.columns.is_unique:
        raise DataError("a table's column names must differ; one occurs twice")
    if not all(isinstance(one, (str, int, np.integer)) for one in frame.columns):
        raise DataError(f"column names must be strings or whole numbers; got {some(frame.columns)}")
    plain = {one if isinstance(one, str) else int(one): frame[one] for one in frame.columns}
    return Pile(name, {one: as_cells(column, one) for one, column in plain.items()})


def named_apart(piles: Sequence[Pile]) -> list[Pile]:
    """Give piles of the same name different ones: table, table (2)."""
    counts: Counter[str] = Counter()
    apart = []
    for pile in piles:
        counts[pile.name] += 1
        n = counts[pile.name]
        apart.append(pile if n == 1 else pile._replace(name=f"{pile.name} ({n})"))
    return apart


def in_one_name(piles: Sequence[Pile], hints: Hints, first: Sequence[Any] = ()) -> list[Pile]:
    """Give the only input of each table one name, that of the ``first`` table, if it has texts."""
    beside = {*hints.label, *hints.roles.values(), *hints.drop, *hints.ignore}
    own = [[name for name in pile.columns if name not in beside] for pile in piles]
    named = first or own[0]
    texts = all(
        len(one) == 1 and is_written(p.columns[one[0]]) for p, one in zip(piles, own, strict=True)
    )
    if len(named) != 1 or not texts:
        return list(piles)
    return [
        pile._replace(
            columns={named[0] if name == one[0] else name: c for name, c in pile.columns.items()}
        )
        for pile, one in zip(piles, own, strict=True)
    ]


def check_label(piles: Sequence[Pile], label: Sequence[str], files: str) -> None:
    """Refuse tables in files of which none has a column of the label by a DataError."""
    if any(name in pile.columns for pile in piles for name in label):
        return
    columns = sorted({str(name) for pile in piles for name in pile.columns})
    raise DataError(
        one_line(
            f"the label column {label[0]!r} must be in at least one of {files}; it is in none, the "
            f"columns are {some(columns)}"
        )
    )


def check_same_columns(piles: Sequence[Pile], hints: Hints, beside: Container[Any]) -> None:
    """Refuse tables of different columns, those beside inputs aside.

    Raises
    ------
    DataError
        If one lacks a column.
    """
    first, *others = piles
    unlabelled = [pile.name for pile in piles if not any(n in pile.columns for n in hints.label)]
    for pile in others:
        pairs = ((pile, first), (first, pile))
        lacking = {
            here.name: sorted(
                str(n) for n in there.columns if n not in here.columns and n not in beside
            )
            for here, there in pairs
        }
        gaps = [f"{where} lacks {some(names)}" for where, names in lacking.items() if names]
        if gaps:
            said = f"tables must have the same columns; {'; '.join(gaps)}"
            raise DataError(one_line(f"{said}: {way_out(lacking, unlabelled, hints)}"))


def check_there(pile: Pile, names: Iterable[Any]) -> None:
    """Refuse a table that lacks one of some columns by a DataError."""
    lacking = [name for name in names if name not in pile.columns]
    if lacking:
        said = f"tables must have the same columns; {pile.name} lacks {some(lacking)}"
        raise DataError(one_line(said))
