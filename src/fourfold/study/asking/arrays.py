"""Arrays in words: their layout and range, and domains whose numbers differ by a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from fourfold.errors import some
from fourfold.preparation.layout import by_channel, find_layout, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows

    Named: TypeAlias = Sequence[tuple[str, Rows]]

__all__ = ["describe_arrays", "unit_notes"]

LOOKED_AT: Final = 1 << 20
"""Numbers of a domain that are looked at."""
UNITS: Final = 10.0
"""Ratio of spreads from which on two domains may be in different units."""
SHOWN: Final = 3


def describe_arrays(domains: Sequence[Domain]) -> str:
    """Return the layout of the domains' arrays, and the range of each; empty for other rows."""
    arrays = _arrays(domains)
    if not arrays:
        return ""
    ranges = []
    for name, rows in arrays:
        seen = _seen(rows)
        known = seen[np.isfinite(seen)]
        if len(known):
            ranges.append(f"{known.min():.4g} to {known.max():.4g} in {name}")
    first = arrays[0][1]
    shape = ", ".join(map(str, ("n", *first.shape)))
    return f"({shape}) as {in_words(first)}; {', '.join(ranges)}"


def unit_notes(domains: Sequence[Domain]) -> list[str]:
    """Return a note on arrays whose numbers lie ten times as far apart in one domain as in another.

    Pixels are compared by channel, features one by one.
    """
    arrays = _arrays(domains)
    if len({rows.shape for _, rows in arrays}) != 1 or len(arrays) < 2:
        return []
    spreads = np.array([_spreads(rows) for _, rows in arrays])
    there = np.where(spreads > 0, spreads, np.nan)
    known = (~np.isnan(there)).sum(axis=0) > 1
    if not known.any():
        return []
    ratios = np.zeros(len(known))
    ratios[known] = np.nanmax(there[:, known], axis=0) / np.nanmin(there[:, known], axis=0)
    far = np.flatnonzero(ratios > UNITS)
    if not len(far):
        return []
    worst = int(np.argmax(ratios))
    low, high = (arrays[int(at(there[:, worst]))][0] for at in (np.nanargmin, np.nanargmax))
    where = "" if len(far) == len(ratios) else f" at {some(far.tolist(), SHOWN)} (from 0)"
    times = f"{float(f'{ratios[worst]:.3g}'):,.0f}"
    said = (
        f"Numbers{where} spread {times} times as far in {high} as in {low}: other units? Bring "
        "both to one scale."
    )
    return [said]


def _arrays(domains: Sequence[Domain]) -> Named:
    rows = {id(domain): (domain.name or "the data", domain.rows) for domain in domains}
    numbers = [pair for pair in rows.values() if pair[1].kind == "array"]
    return [(name, part) for name, part in numbers if part.dtype.kind in "biuf"]


def _seen(rows: Rows) -> NDArray[np.float64]:
    """Read rows that are spread over all of them, at most about a million numbers."""
    most = max(2, LOOKED_AT // max(1, int(np.prod(rows.shape))))
    where = np.unique(np.linspace(0, rows.n - 1, min(most, rows.n)).astype(np.intp))
    return np.asarray(rows.take(where), np.float64)


def _spreads(rows: Rows) -> NDArray[np.float64]:
    """Return the distance of two percentiles of each feature or channel.

    For features they are quartiles, as in tables: a few cells beside many zeros say nothing. Most
    pixels of a channel may be of its background.
    """
    seen = _seen(rows)
    ends = (25, 75) if len(rows.shape) == 1 else (1, 99)
    plain = len(rows.shape) > 3
    observed = seen.reshape(-1, 1) if plain else by_channel(seen, find_layout(rows, "auto"))
    finite = np.where(np.isfinite(observed), observed, np.nan)
    empty = np.isnan(finite).all(axis=0)
    finite[:, empty] = 0
    low, high = np.nanpercentile(finite, ends, axis=0)
    return np.asarray(high - low, np.float64)
