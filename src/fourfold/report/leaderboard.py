"""The leaderboard: scores with their spread, and where each interval is drawn."""

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

__all__ = ["Drawn", "Row", "Scale", "Spread", "leaderboard"]


@final
@dataclass(frozen=True)
class Spread:
    """The mean of several runs and how far they lie apart.

    Attributes
    ----------
    mean
        Of the runs.
    deviation
        Their standard deviation; None of a single run.
    runs
        How many.
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
class Drawn:
    """An interval on a line from left to right.

    Attributes
    ----------
    low, mean, high
        In percent of the line's length.
    """

    low: float
    mean: float
    high: float


@final
@dataclass(frozen=True)
class Scale:
    """What the line that intervals are drawn on reaches over; zero always lies on it.

    Attributes
    ----------
    low, high
        Its ends, in the score's units.
    """

    low: float
    high: float

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Self:
        """Choose ends so that every finite end of the intervals and zero lie on the line."""
        ends = [e for i in intervals for e in (i.low, i.mean, i.high) if math.isfinite(e)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        margin = 0.06 * (high - low) or 1.0
        return cls(low - margin, high + margin)

    @property
    def zero(self) -> float:
        """Where no difference lies, in percent."""
        return self.at(0.0)

    def at(self, value: float) -> float:
        """Find a value's place in percent; what lies beyond an end is drawn at that end."""
        inside = min(max(value, self.low), self.high)
        return 100 * (inside - self.low) / (self.high - self.low)

    def draw(self, interval: Interval) -> Drawn | None:
        """Place an interval; None where it is unknown (NaN)."""
        places = (interval.low, interval.mean, interval.high)
        if any(math.isnan(place) for place in places):
            return None
        return Drawn(*(self.at(place) for place in places))


@final
@dataclass(frozen=True)
class Row:
    """One method on the leaderboard.

    Attributes
    ----------
    line
        What the study found.
    shipped, best_baseline
        Whether it is the model handed over; whether the others are compared to it.
    score, choice
        What the verdict is made from, and what the model was chosen by.
    drawn
        Where the interval of its difference is drawn.
    share
        Its seconds in percent of the slowest method's.
    """

    line: LeaderboardRow
    shipped: bool
    best_baseline: bool
    score: Spread | None
    choice: Spread | None
    drawn: Drawn | None
    share: float

    @property
    def difference(self) -> Interval | None:
        """How the line differs from the best baseline."""
        return self.line.difference

    @property
    def verdict(self) -> Verdict | None:
        """What the difference means."""
        return self.line.verdict


def leaderboard(result: Result) -> tuple[list[Row], Scale]:
    """Lay out the leaderboard: its rows, best first, and the scale that they share."""
    scale = Scale.of(line.difference for line in result.lines if line.difference)
    slowest = max((line.seconds for line in result.lines), default=0.0) or 1.0
    rows = [
        Row(
            line=line,
            shipped=line.method == result.shipped,
            best_baseline=line.method == result.best_baseline,
            score=Spread.of(line.scores),
            choice=Spread.of(line.choice),
            drawn=scale.draw(line.difference) if line.difference else None,
            share=100 * line.seconds / slowest,
        )
        for line in result.lines
    ]
    return rows, scale
