"""Missing cells of the columns that are inputs: how many, and the marks that stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import as_cells, is_written
from fourfold.data.schema.notes import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.schema.column import Column
    from fourfold.data.schema.piles import Pile
    from fourfold.data.schema.schema import ReadPile

__all__ = ["gaps"]


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


def _marks(piles: Sequence[Any], name: Any, known: Sequence[str]) -> list[str]:
    """Return the marks of missing cells that stand in written cells, sorted; empty ones aside."""
    marks: set[str] = set()
    for cells in (as_cells(part, name) for part in piles):
        if is_written(cells):
            texts = pc.utf8_trim_whitespace(cells)
            there = texts.filter(pc.is_in(texts, value_set=pa.array([*known], texts.type)))
            marks.update(pc.unique(there).to_pylist())
    return sorted(marks - {""})
