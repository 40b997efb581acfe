"""Scores with their spread, and error bars of differences on a common scale."""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.study.gate import Interval

__all__ = ["ErrorBar", "Scale", "Spread"]


class Spread(NamedTuple):
    """Mean and standard deviation of several runs; the latter is None for a single run."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """Summarize runs; None without any."""
        if not values:
            return None
        return cls(fmean(values), stdev(values) if len(values) > 1 else None)


class ErrorBar(NamedTuple):
    """An interval on a scale, in percent of the scale's length."""

    low: float
    mean: float
    high: float


class Scale(NamedTuple):
    """Common scale of error bars, in the units of the score; it always contains zero."""

    low: float
    high: float

    @classmethod
    def of(cls, intervals: Iterable[Interval | None]) -> Self:
        """Return the scale that contains zero and every finite end of the intervals."""
        known = [interval for interval in intervals if interval]
        ends = [e for i in known for e in (i.low, i.mean, i.high) if math.isfinite(e)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        margin = 0.06 * (high - low) or 1.0
        return cls(low - margin, high + margin)

    @property
    def zero(self) -> float:
        """Position of zero, in percent."""
        return self.at(0.0)

    def at(self, value: float) -> float:
        """Return the position of a value in percent, clipped to the scale."""
        inside = min(max(value, self.low), self.high)
        return 100 * (inside - self.low) / (self.high - self.low)

    def bar(self, interval: Interval) -> ErrorBar | None:
        """Return the error bar of an interval; None if it is unknown (NaN)."""
        values = (interval.low, interval.mean, interval.high)
        return None if any(map(math.isnan, values)) else ErrorBar(*map(self.at, values))
