"""Leaderboard rows: scores with their spread, and error bars of the differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Self, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.study.gate import Interval, Verdict
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.result import Result

__all__ = ["ErrorBar", "Row", "Scale", "Spread", "leaderboard"]


@final
@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of several runs.

    Attributes
    ----------
    mean
        Mean of the runs.
    deviation
        Standard deviation; None for a single run.
    runs
        Number of runs.
    """

    mean: float
    deviation: float | None
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """Summarize runs; None without any."""
        if not values:
            return None
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


@final
@dataclass(frozen=True)
class ErrorBar:
    """An interval on a scale.

    Attributes
    ----------
    low, mean, high
        Positions in percent of the scale's length.
    """

    low: float
    mean: float
    high: float


@final
@dataclass(frozen=True)
class Scale:
    """Common scale of error bars; it always contains zero.

    Attributes
    ----------
    low, high
        Ends, in the units of the score.
    """

    low: float
    high: float

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Self:
        """Return the scale that contains zero and every finite end of the intervals."""
        ends = [e for i in intervals for e in (i.low, i.mean, i.high) if math.isfinite(e)]
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

    def bar(self, interval: Interval | None) -> ErrorBar | None:
        """Return the error bar of an interval; None if it is missing or unknown (NaN)."""
        if interval is None:
            return None
        values = (interval.low, interval.mean, interval.high)
        if any(math.isnan(value) for value in values):
            return None
        return ErrorBar(*(self.at(value) for value in values))


@final
@dataclass(frozen=True)
class Row:
    """One method on the leaderboard.

    Attributes
    ----------
    line
        Its row in the result.
    shipped, best_baseline
        Whether it is the model handed over, and whether the others are compared to it.
    score, choice
        Scores of the verdict, and scores of the model selection.
    bar
        Error bar of its difference to the best baseline.
    share
        Its time in percent of the slowest method's.
    """

    line: LeaderboardRow
    shipped: bool
    best_baseline: bool
    score: Spread | None
    choice: Spread | None
    bar: ErrorBar | None
    share: float

    @property
    def difference(self) -> Interval | None:
        """Difference to the best baseline."""
        return self.line.difference

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the difference."""
        return self.line.verdict


def leaderboard(result: Result) -> tuple[list[Row], Scale]:
    """Return the rows of the leaderboard, best first, and their common scale."""
    scale = Scale.of(line.difference for line in result.lines if line.difference)
    slowest = max((line.seconds for line in result.lines), default=0.0) or 1.0
    rows = [
        Row(
            line=line,
            shipped=line.method == result.shipped,
            best_baseline=line.method == result.best_baseline,
            score=Spread.of(line.scores),
            choice=Spread.of(line.choice),
            bar=scale.bar(line.difference),
            share=100 * line.seconds / slowest,
        )
        for line in result.lines
    ]
    return rows, scale
