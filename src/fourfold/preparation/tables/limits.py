"""Limits of numbers for lines and networks: outliers end there, and marks count as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Limits"]

FAR: Final = 10.0
"""Quartile ranges beyond the quartiles from which on a cell is an outlier."""
RARE: Final = 0.01
"""Largest share of outliers in a column; more are no outliers, but a group of their own."""
LEAST: Final = 5
"""Cells, at least, of a mark,"""
SHARE: Final = 0.01
"""and their least share of a column."""


@final
class Limits(NamedTuple):
    """Limits of columns of numbers, all (columns,).

    A number that outliers repeat, such as −999, is a mark of missing cells. Other outliers, where
    they are few, move to the nearest limit; where they are many they are a group of their own, and
    stay, as all other numbers do.

    Attributes
    ----------
    low, high
        −∞ and ∞ for columns without outliers.
    mark
        NaN for columns without one.

    References
    ----------
    Tukey, Exploratory Data Analysis, 1977: fences by quartiles; Siddiqi, Credit Risk Scorecards,
    2006, ch. 5: outliers and special values.
    """

    low: Floats
    high: Floats
    mark: Floats

    @classmethod
    def fit(cls, parts: Sequence[Floats]) -> Self:
        """Find the limits of columns, from the rows (n, columns) of each domain, NaN where missing.

        They are the widest of all domains, whose units may differ.
        """
        columns = [
            [part[~np.isnan(part)] for part in of] for of in zip(*(p.T for p in parts), strict=True)
        ]
        found = [_limits([part for part in of if len(part)]) for of in columns]
        return cls(*np.array(found, float).reshape(-1, 3).T.copy())

    def apply(self, x: Floats) -> Floats:
        """Return rows (n, columns) within the limits, NaN for marks."""
        return np.clip(np.where(x == self.mark, np.nan, x), self.low, self.high)

    @property
    def limited(self) -> NDArray[np.intp]:
        """Places of the columns with limits or a mark."""
        return np.flatnonzero(np.isfinite(self.high) | ~np.isnan(self.mark))

    def describe(self, place: int) -> str:
        """Describe the limits and the mark of a column."""
        low, high, mark = (float(of[place]) for of in self)
        parts = [f"{low:,.6g} to {high:,.6g}"] if np.isfinite(high) else []
        return "; ".join([*parts, *([] if np.isnan(mark) else [f"{mark:g} counts as missing"])])


def _limits(parts: Sequence[Floats]) -> tuple[float, float, float]:
    """Return the limits and the mark of a column, from the known cells of each domain."""
    known, middles = np.concatenate([*parts, []]), [_middle(part) for part in parts]
    if all(low == high for low, high in middles):
        return -np.inf, np.inf, np.nan
    low, high = _fences(middles, FAR)
    outlying = known[(known < low) | (known > high)]
    if not len(outlying):
        return -np.inf, np.inf, np.nan
    values, counts = np.unique(outlying, return_counts=True)
    often = int(counts.argmax())
    marked = counts[often] >= max(LEAST, SHARE * len(known))
    others = len(outlying) - marked * counts[often]
    if others > max(1, RARE * len(known)):
        return -np.inf, np.inf, values[often] if marked else np.nan
    return low, high, values[often] if marked else np.nan


def _middle(cells: Floats) -> tuple[float, float]:
    """Return the quartiles of cells; where one number fills them, of the others, and that one."""
    low, high = np.percentile(cells, (25, 75))
    others = cells[cells != low]
    if low < high or not len(others):
        return float(low), float(high)
    first, last = np.percentile(others, (25, 75))
    if first == last:  # two numbers are no range
        return float(low), float(high)
    return float(min(first, low)), float(max(last, high))


def _fences(middles: Sequence[tuple[float, float]], ranges: float) -> tuple[float, float]:
    """Move quartiles outwards by so many of their ranges; return the widest of all domains."""
    lows, highs = zip(
        *((a - ranges * (b - a), b + ranges * (b - a)) for a, b in middles), strict=True
    )
    return min(lows), max(highs)
