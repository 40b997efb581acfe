"""Columns that tell the label in every row, though in other words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from fourfold.data.schema.cells import as_cells, missing_as_null, written
from fourfold.data.schema.notes import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.labels import Labels
    from fourfold.data.schema.piles import Pile

__all__ = ["telling"]

HEAD: Final = 1_000
"""Rows that are compared with the label before all are."""
ROWS: Final = 20
REPEATED: Final = 5
"""Rows a label by which a column must tell it."""


def telling(names: Iterable[Any], piles: Sequence[Pile], labels: Labels) -> list[Note]:
    """Return remarks on columns, by their names, that are a label recoded one to one."""
    notes = []
    for label in labels.columns:
        there = [pile for pile in piles if label in pile.columns]
        marks = ("", *labels.missing)
        answers = [missing_as_null(as_cells(p.columns[label], label), marks) for p in there]
        for name in names:
            pairs = [
                (as_cells(p.columns[name], name), y) for p, y in zip(there, answers, strict=True)
            ]
            head = [(own[:HEAD], y[:HEAD]) for own, y in pairs]
            if _one_to_one(head, 0) and _one_to_one(pairs, ROWS):
                said = f"tells {label} in every row, one to one: is it known when you predict?"
                notes.append(Note(str(name), said, "drop", str(name)))
    return notes


def _one_to_one(pairs: Sequence[tuple[Cells, Cells]], least: int) -> bool:
    """Return whether labels and cells tell each other in each file, in enough rows."""
    rows = kinds = several = 0
    for own, labels in pairs:
        known = labels.is_valid()
        cells = missing_as_null(own).filter(known)
        a, b = _codes(cells), _codes(labels.filter(known))
        n = len(np.unique(b))
        if not n == len(np.unique(a)) == len(np.unique(a * (n + 1) + b)):
            return False
        rows, kinds, several = rows + len(b), kinds + n, several + (n > 1)
    return not least or (several > 0 and rows >= max(least, REPEATED * kinds))


def _codes(cells: Cells) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the numbers of the different cells, (n,); missing ones are 0."""
    coded = written(cells).combine_chunks().dictionary_encode()
    return 1 + np.asarray(pc.fill_null(coded.indices, -1), np.int64)
