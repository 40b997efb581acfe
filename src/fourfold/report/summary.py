"""Summary of several tasks: each method over all tasks, and the gain of each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fourfold.report.leaderboard import ErrorBar, Scale, Spread

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
        Name of the method.
    difference, bar, verdict
        Its Δm in percent (below zero is better), the error bar, and the verdict.
    counts
        Number of tasks that it helped, hurt, and left undecided.
    error
        Reason why it could not run.
    """

    name: str
    difference: Interval | None
    bar: ErrorBar | None
    verdict: Verdict
    counts: tuple[int, int, int]
    error: str


@final
@dataclass(frozen=True)
class TaskRow:
    """One task, with the gain from the chosen method.

    Attributes
    ----------
    name, metric
        Names of the task and of its score.
    alone
        Best score of a model of the task alone.
    difference, bar, verdict
        Gain from sharing, its error bar, and the verdict.
    shipped
        Method of the model that is handed over.
    """

    name: str
    metric: str
    alone: Spread | None
    difference: Interval | None
    bar: ErrorBar | None
    verdict: Verdict
    shipped: str


@final
@dataclass(frozen=True)
class Summary:
    """Tables on several tasks, with the scales of their error bars."""

    methods: list[MethodRow]
    tasks: list[TaskRow]
    delta_scale: Scale
    gain_scale: Scale


def summarize(result: JointResult) -> Summary:
    """Return the summary of a result, with methods and tasks in its order."""
    chosen = result.lines[0]
    deltas = Scale.of(line.delta for line in result.lines if line.delta)
    gains = Scale.of(gain.difference for gain in chosen.gains.values() if gain.difference)
    methods = [
        MethodRow(
            name=line.method,
            difference=line.delta,
            bar=deltas.bar(line.delta),
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
        bar = gains.bar(gap)
        tasks.append(TaskRow(name, own.metric, _alone(own), gap, bar, gain.verdict, own.shipped))
    return Summary(methods, tasks, deltas, gains)


def _alone(result: Result) -> Spread | None:
    best = [line for line in result.lines if line.method == result.best_baseline]
    return Spread.of(best[0].scores) if best else None
