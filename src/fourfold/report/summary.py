"""Several tasks summed up: what each method did to all, and what sharing did to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fourfold.report.leaderboard import Drawn, Scale, Spread

if TYPE_CHECKING:
    from fourfold.study.gate import Interval, Verdict
    from fourfold.study.result import JointResult, Result

__all__ = ["MethodRow", "Summary", "TaskRow", "summarize"]


@final
@dataclass(frozen=True)
class MethodRow:
    """One method over all tasks.

    Attributes
    ----------
    name
        Of the method.
    difference, drawn, verdict
        Its Δm in percent, below zero is better; where that is drawn, and what it means.
    counts
        How many tasks it helped, hurt, and neither for sure.
    error
        Why it could not run.
    """

    name: str
    difference: Interval | None
    drawn: Drawn | None
    verdict: Verdict
    counts: tuple[int, int, int]
    error: str


@final
@dataclass(frozen=True)
class TaskRow:
    """One task, by the method that is chosen.

    Attributes
    ----------
    name, metric
        Of the task, and of its score.
    alone
        The best score of what learns it alone.
    difference, drawn, verdict
        What it gained by sharing, where that is drawn, and what it means.
    shipped
        Whose model is handed over.
    """

    name: str
    metric: str
    alone: Spread | None
    difference: Interval | None
    drawn: Drawn | None
    verdict: Verdict
    shipped: str


@final
@dataclass(frozen=True)
class Summary:
    """What the page shows of several tasks before it shows each."""

    methods: list[MethodRow]
    tasks: list[TaskRow]
    delta_scale: Scale
    gain_scale: Scale


def summarize(result: JointResult) -> Summary:
    """Lay out the summary: methods in their order, tasks in theirs."""
    chosen = result.lines[0]
    deltas = Scale.of(line.delta for line in result.lines if line.delta)
    gains = Scale.of(gain.difference for gain in chosen.gains.values() if gain.difference)
    methods = [
        MethodRow(
            name=line.method,
            difference=line.delta,
            drawn=deltas.draw(line.delta) if line.delta else None,
            verdict=line.verdict,
            counts=(
                len(line.tasks("helped")), len(line.tasks("hurt")), len(line.tasks("undecided"))
            ),
            error=line.error,
        )
        for line in result.lines
    ]  # fmt: skip
    tasks = []
    for name, gain in chosen.gains.items():
        own, gap = result.results[name], gain.difference
        drawn = gains.draw(gap) if gap else None
        tasks.append(TaskRow(name, own.metric, _alone(own), gap, drawn, gain.verdict, own.shipped))
    return Summary(methods, tasks, deltas, gains)


def _alone(result: Result) -> Spread | None:
    best = [line for line in result.lines if line.method == result.best_baseline]
    return Spread.of(best[0].scores) if best else None
