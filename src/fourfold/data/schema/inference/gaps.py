"""Missing cells of the columns that are inputs: how many, and the marks that stand for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import as_cells, is_written, numbers_among
from fourfold.data.schema.column import Column
from fourfold.data.schema.notes import Note, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.schema.piles import Pile
    from fourfold.data.schema.schema import ReadPile

__all__ = ["absent_marks", "gaps"]


def gaps(
    piles: Sequence[Pile], read: Sequence[ReadPile], columns: Mapping[Any, Column]
) -> dict[Any, str]:
    """Return the missing cells of columns that have some, in words: 12 of 100, 'NA'."""
    total = sum(len(one.frame) for one in read)
    found = {}
    for name in read[0].frame.columns:
        n = sum(int(one.frame[name].isna().sum()) for one in read)
        if n:
            marks = _marks([pile.columns[name] for pile in piles], name, columns[name].missing)
            found[name] = f"{n} of {total}{f', {joined(marks)}' if marks else ''}"
    return found


def absent_marks(
    piles: Sequence[Pile], columns: Mapping[Any, Column], marks: Sequence[str]
) -> list[Note]:
    """Return a remark on each further mark of missing cells that no cell is."""
    left = list(marks)
    for pile in piles:
        for name in pile.columns if left else ():
            column = columns.get(name, Column("ignored")).in_file(pile.name)
            left = [mark for mark in left if not _has(pile.columns[name], mark, column)]
    return [Note(None, f"no cell is {mark!r}, the mark of missing ones") for mark in left]


def _has(values: Any, mark: str, column: Column) -> bool:
    """Return whether a cell is a mark, or the number that it is."""
    cells = as_cells(values)
    if is_written(cells) and pc.any(pc.equal(pc.utf8_trim_whitespace(cells), mark)).as_py():
        return True
    numbers = numbers_among((mark,)) if column.kind == "number" else []
    plain = replace(column, missing=())
    return bool(numbers) and bool(plain.read(values).cells.isin(numbers).any())


def _marks(piles: Sequence[Any], name: Any, known: Sequence[str]) -> list[str]:
    """Return the marks of missing cells that stand in written cells, sorted; empty ones aside."""
    marks: set[str] = set()
    for cells in (as_cells(part, name) for part in piles):
        if is_written(cells):
            texts = pc.utf8_trim_whitespace(cells)
            there = texts.filter(pc.is_in(texts, value_set=pa.array([*known], texts.type)))
            marks.update(pc.unique(there).to_pylist())
    return sorted(marks - {""})
