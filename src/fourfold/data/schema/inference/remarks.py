"""Remarks on cells as they were read: those that do not fit, infinity, and marks in disguise."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.data.schema.cells import as_cells
from fourfold.data.schema.notes import Note
from fourfold.data.schema.numbers import may_be_grouped
from fourfold.errors import DataError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.data.schema.column import Column, Odd
    from fourfold.data.schema.piles import Pile
    from fourfold.data.schema.schema import ReadPile

__all__ = ["remarks", "strange_cells"]

NINES: Final = re.compile(r"-?9{2,}|-?8{3,}")
DAYS: Final = (
    *("9999-12-31", "9999-01-01", "2999-12-31", "2099-12-31"),
    *("1970-01-01", "1900-01-01", "1899-12-30", "1800-01-01", "1753-01-01", "0001-01-01"),
)
"""Days that stand for a missing one, or for none yet."""
FAR: Final = 3.0
"""Ranges between the 1st and 99th percentile by which a mark lies outside."""
UNITS: Final = 10.0
"""Ratio of spreads from which on two piles may be in different units."""
MANY: Final = 20
"""Of fewer cells all may be odd."""
SHOWN: Final = 3
SOME: Final = 5
"""Fewer cells say nothing about a spread."""


def remarks(
    piles: Sequence[Pile], read: Sequence[ReadPile], columns: Mapping[Any, Column]
) -> list[Note]:
    """Return remarks on all columns that are inputs, in their order."""
    notes = []
    for name in read[0].frame.columns:
        said = strange_cells(piles, name, columns[name], [one.odd.get(name) for one in read])
        if said and _fits_nowhere([one.frame[name] for one in read]):
            raise DataError(
                one_line(f"column {name!r} must be of {columns[name].kind}s; got {said[0].said}")
            )
        notes += said
        if columns[name].kind == "date":
            notes += _odd_days(name, piles, [one.frame[name] for one in read])
        if columns[name].kind == "number":
            values = [one.frame[name].to_numpy(np.float64) for one in read]
            notes += [*_sentinels(name, values), *_units(name, piles, values, columns[name])]
    return notes


def _fits_nowhere(parts: Sequence[pd.Series[Any]]) -> bool:
    """Return whether all of many cells are missing once they are read; a few may be odd."""
    return sum(map(len, parts)) >= MANY and not any(part.notna().any() for part in parts)


def strange_cells(
    piles: Sequence[Pile], name: Any, column: Column, odd: Sequence[Odd | None]
) -> list[Note]:
    """Return remarks on the cells of a column that do not fit, the first three by line."""
    places: list[str] = []
    for pile, found in zip(piles, odd, strict=True):
        cells = as_cells(pile.columns[name], name) if found is not None else []
        for at in [] if found is None else found.strange[: SHOWN - len(places)].tolist():
            where = pile.place(at) if len(piles) == 1 else f"{pile.name} {pile.place(at)}"
            places.append(f"{cells[at].as_py()!r:.30} ({where})")
    total = sum(len(pile.columns[name]) for pile in piles)
    strange = sum(len(found.strange) for found in odd if found is not None)
    endless = sum(found.infinite for found in odd if found is not None)
    notes = []
    if strange:
        said = f"{strange} of {total} cells are no {column.kind}s and count as missing"
        said = f"{said}: {', '.join(places)}"
        notes.append(Note(str(name), said, "categories", str(name)))
    if endless:
        said = f"{endless} of {total} cells are infinite and count as missing"
        notes.append(Note(str(name), said))
    return notes


def _sentinels(name: Any, values: Sequence[NDArray[np.float64]]) -> list[Note]:
    """Return a remark on a number such as −9999 that lies far from all others and is repeated."""
    known = np.concatenate([part[~np.isnan(part)] for part in values])
    kinds, counts = np.unique(known, return_counts=True)
    for at in {0, len(kinds) - 1} if len(kinds) > 2 else ():
        if counts[at] < 2 or not NINES.fullmatch(f"{kinds[at]:g}"):
            continue
        others = known[known != kinds[at]]
        low, high = np.percentile(others, (1, 99))
        if max(low - kinds[at], kinds[at] - high) > FAR * max(high - low, 1e-12):
            mark = f"{kinds[at]:g}"
            said = f"{counts[at]} cells are {mark}, far from all others: a mark of missing ones?"
            return [Note(str(name), said, "missing", mark)]
    return []


def _odd_days(name: Any, piles: Sequence[Pile], moments: Sequence[pd.Series[Any]]) -> list[Note]:
    """Return a remark on a day such as 9999-12-31 that lies far from all others and is repeated."""
    seconds = [part.to_numpy().astype("datetime64[s]") for part in moments]
    pooled = np.concatenate(seconds)
    for mark in np.array(DAYS, "datetime64[s]"):
        others = pooled[(pooled != mark) & ~np.isnat(pooled)].astype(np.int64)
        n = int((pooled == mark).sum())
        if n < 2 or not len(others):
            continue
        (low, high), at = np.percentile(others, (1, 99)), mark.astype(np.int64)
        if max(low - at, at - high) > FAR * (high - low):
            where = next(k for k, part in enumerate(seconds) if (part == mark).any())
            row = int((seconds[where] == mark).argmax())
            text = as_cells(piles[where].columns[name], name)[row].as_py()
            said = f"{n} cells are {text}, far from all others: a mark of missing ones?"
            option = ("missing", text) if isinstance(text, str) else ()
            return [Note(str(name), said, *option)]
    return []


def _units(
    name: Any, piles: Sequence[Pile], values: Sequence[NDArray[np.float64]], column: Column
) -> list[Note]:
    """Return a remark on piles whose numbers differ by a factor."""
    spreads = [
        (float(np.subtract(*np.percentile(part[~np.isnan(part)], (75, 25)))), pile)
        for pile, part in zip(piles, values, strict=True)
        if (~np.isnan(part)).sum() >= SOME
    ]
    there = sorted((spread for spread in spreads if spread[0] > 0), key=itemgetter(0))
    if len(there) < 2 or there[-1][0] <= UNITS * there[0][0]:
        return []
    (least, low), *_, (most, high) = there
    ratio = most / least
    said = f"spread {_plain(ratio)} times as far in {high.name} as in {low.name}: other units?"
    cells = as_cells(low.columns[name], name)
    pointed = column.decimal == "." and not column.thousands and not column.files
    if pointed and 0.3 < ratio / 1000 < 3 and may_be_grouped([cells], column.unit):
        return [Note(str(name), f"{said[:-1]}, or a point between thousands?", "decimal", ",")]
    return [Note(str(name), said)]


def _plain(ratio: float) -> str:
    """Write a ratio with three digits, and never with an exponent: 1,170.

    Examples
    --------
    >>> _plain(98.123), _plain(1_171.5)
    ('98.1', '1,170')
    """
    return f"{ratio:.3g}" if ratio < 100 else f"{float(f'{ratio:.3g}'):,.0f}"
