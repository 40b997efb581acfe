"""One type for the cells of a column in all piles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import (
    distinct,
    is_written,
    missing_as_null,
    truth_as_digits,
    written,
)
from fourfold.data.schema.numbers import has_codes, is_whole, plain_numbers
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.hints import Hints

__all__ = ["alike"]

LONG: Final = 10**15
HEAD: Final = 100
"""Cells that are looked at before all are."""


def alike(name: str, raw: Sequence[Cells], hints: Hints) -> list[Cells]:
    """Bring the cells of all piles to one type, texts where they differ; missing ones are null.

    Raises
    ------
    DataError
        If they are dates here and numbers there.
    """
    numbers = _numbers_at_once(raw, hints)
    if numbers is not None:
        return numbers
    return _typed_alike(name, [missing_as_null(part, hints.marks) for part in raw])


def _numbers_at_once(raw: Sequence[Cells], hints: Hints) -> list[Cells] | None:
    """Parse written cells that are all plain numbers, and no codes; None for others."""
    if hints.missing or hints.decimal not in {None, "."}:
        return None
    parsed = []
    for cells in raw:
        values = plain_numbers(cells)
        if values is None or (is_whole(values) and has_codes(cells)):
            return None
        parsed.append(pa.chunked_array([pa.array(values, from_pandas=True)]))
    return parsed


def _typed_alike(name: str, cells: Sequence[Cells]) -> list[Cells]:
    if any(_is_long(part) for part in cells):
        return [written(part) for part in cells]
    kinds = {part.type for part in cells if part.null_count < len(part)}
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    if len(kinds) > 1 and all(any(test(kind) for test in numbers) for kind in kinds):
        return [_float(part) for part in cells]
    if len(kinds) == 1 and not any(pa.types.is_string(kind) for kind in kinds):
        (kind,) = kinds
        return [part if part.type == kind else pa.chunked_array([pa.nulls(len(part), kind)])
                for part in cells]  # fmt: skip
    if kinds and not any(pa.types.is_string(kind) for kind in kinds):
        raise DataError(f"column {name!r} must hold the same in all domains; got dates and numbers")
    texts = [written(part) for part in cells]
    digits = [truth_as_digits(part) for part in texts]  # true here, 1 there
    words = {text.lower() for text in distinct(part[:HEAD] for part in texts)}
    mixed = len(words) > 2 and all(one is not None for one in digits)
    return [one for one in digits if one is not None] if mixed else texts


def _is_long(cells: Cells) -> bool:
    """Return whether whole numbers have 16 digits or more, which floats do not keep."""
    if not pa.types.is_integer(cells.type) or cells.null_count == len(cells):
        return False
    ends = pc.min_max(cells).as_py()
    return bool(ends["max"] >= LONG or ends["min"] <= -LONG)


def _float(cells: Cells) -> Cells:
    if is_written(cells):  # all of them are missing
        return pa.chunked_array([pa.nulls(len(cells), pa.float64())])
    return (cells.cast(pa.int8()) if pa.types.is_boolean(cells.type) else cells).cast(pa.float64())
