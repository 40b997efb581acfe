"""Columns that are left out: constants, running indices and identifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import as_word, is_written
from fourfold.data.schema.identifiers import is_named_identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells

__all__ = ["left_out"]

ROWS: Final = 20
"""Fewer rows than these say nothing about a column."""
HEAD: Final = 1_000
UNNAMED: Final = re.compile(r"(?i)^(unnamed: ?\d+|index|rownames?|row_names?|rownum|)$")
WHOLE: Final = r"^[+-]?\d{1,18}$"
LONG: Final = r"^\d{16,}$"


def left_out(name: str, cells: Sequence[Cells]) -> str:
    """Return the reason to leave out a column; empty where there is none.

    Parameters
    ----------
    name
        Of the column.
    cells
        Its cells in each pile, missing ones as null.
    """
    n = sum(len(part) for part in cells)
    there = [part.drop_null() for part in cells]
    known = sum(map(len, there))
    if not known:
        return "every cell is missing"
    if n < ROWS:
        return ""
    if any(_repeats(part[:HEAD]) for part in there):
        return ""
    pooled = pa.chunked_array([chunk for part in there for chunk in part.chunks])
    kinds = len(pc.unique(pooled))
    if kinds == 1 and known == n:
        only = pooled[0].as_py()
        return f"constant, {repr(only) if isinstance(only, str) else as_word(only):.40}"
    if any(len(pc.unique(part)) < len(part) for part in there):
        return ""
    return _name_of_rows(name, there, pooled, complete=known == n)


def _repeats(cells: Cells) -> bool:
    """Return whether cells are of several values, of which some occur twice."""
    return 1 < len(pc.unique(cells)) < len(cells)


def _name_of_rows(name: str, there: Sequence[Cells], pooled: Cells, *, complete: bool) -> str:
    """Return why cells that differ in each pile are names of rows; empty where they are none."""
    unique = len(pc.unique(pooled)) == len(pooled)
    numbers = [part for part in map(_whole_numbers, there) if part is not None]
    if len(numbers) == len(there):
        if complete and _is_running([one for one in numbers if len(one)]):
            return "running index"
        if is_named_identifier(name) and unique:
            return "identifier by its name, no number occurs twice"
    if is_written(pooled) and complete and unique:
        if pc.all(pc.match_substring_regex(pooled, LONG)).as_py():
            return "identifier of 16 digits or more, none occurs twice"
        if is_named_identifier(name) or UNNAMED.match(name):
            return "identifier by its name, no cell occurs twice"
    return ""


def _whole_numbers(cells: Cells) -> NDArray[Any] | None:
    """Return whole numbers, typed or written; None for anything else."""
    if is_written(cells):
        if not pc.all(pc.match_substring_regex(cells, WHOLE)).as_py():
            return None
        return np.asarray(cells.cast(pa.int64()).to_numpy())
    if pa.types.is_integer(cells.type):
        return np.asarray(cells.to_numpy(), np.int64)
    if pa.types.is_floating(cells.type):
        values = cells.to_numpy()
        whole = np.isfinite(values).all() and (values == np.round(values)).all()
        return values.astype(np.int64) if whole and (np.abs(values) < 2**53).all() else None
    return None


def _is_running(ranges: Sequence[NDArray[Any]]) -> bool:
    """Return whether different whole numbers fill a range, in each pile or over all."""
    pooled = np.concatenate(list(ranges))
    alone = all(one.max() - one.min() + 1 == len(one) for one in ranges if len(one) > 1)
    together = len(np.unique(pooled)) == len(pooled) == pooled.max() - pooled.min() + 1
    in_order = all((np.diff(one) == 1).all() for one in ranges)
    return bool(together or (alone and in_order))
