"""The conclusion of a study of several tasks: whom sharing helped, whom it hurt, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from fourfold.study import gate
from fourfold.study.joint_result import Gain, JointLine, JointResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.study.result import Interval, Line, Result

    Boards: TypeAlias = Mapping[str, Mapping[str, Line]]

__all__ = ["conclude_all", "delta_m"]

REFERENCE: Final = "TargetOnly"
"""Whose scores Δm compares to: the same network, each task alone."""


def conclude_all(
    title: str, results: Mapping[str, Result], methods: Sequence[str], folds: int
) -> JointResult:
    """Say what sharing did, from each task's result.

    Parameters
    ----------
    title
        The question.
    results
        Task → its result.
    methods
        Those that learn all tasks at once.
    folds
        That the scores were crossed over, where there were no rows to evaluate on; 0 without.
    """
    boards = {
        name: {line.method: line for line in result.lines} for name, result in results.items()
    }
    lines = [_line(method, results, boards, folds) for method in methods]
    chosen = max(methods, key=lambda method: _choice(method, boards))
    lines.sort(key=lambda line: line.method != chosen)
    able = not lines[0].error
    return JointResult(
        title=title,
        sentence=_sentence(lines[0]),
        verdict=lines[0].verdict,
        chosen=chosen if able else "",
        leave_out=lines[0].tasks("hurt") if able else [],
        shipped={name: result.shipped for name, result in results.items() if result.shipped},
        lines=lines,
        results=dict(results),
        notes=_notes(results, folds),
    )


def delta_m(
    ours: NDArray[np.float64], alone: NDArray[np.float64], lower: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute Δm in percent: below zero is better; NaN where a task alone scores zero.

    Parameters
    ----------
    ours, alone
        (K, J) scores of K tasks in J runs.
    lower
        (K,) whether lower scores are better.

    Returns
    -------
    ndarray
        (J,).

    References
    ----------
    Maninis, Radosavovic & Kokkinos, Attentive Single-Tasking of Multiple Tasks, CVPR 2019.

    Examples
    --------
    >>> accuracy, error = [0.9], [0.4]
    >>> delta_m(np.array([accuracy, error]), np.array([[0.8], [0.5]]), np.array([False, True]))
    array([-16.25])
    """
    change = (ours - alone) / np.where(alone == 0, np.nan, alone)
    worse: NDArray[np.float64] = np.where(lower[:, None], change, -change)
    return np.asarray(100 * worse.mean(axis=0))


def _line(method: str, results: Mapping[str, Result], boards: Boards, folds: int) -> JointLine:
    own = {name: board[method] for name, board in boards.items()}
    error = next((line.error for line in own.values() if line.error), "")
    gains = {name: Gain(line.difference, line.verdict or "undecided") for name, line in own.items()}
    return JointLine(
        method, None if error else _delta(method, results, boards, folds), gains, error
    )


def _delta(
    method: str, results: Mapping[str, Result], boards: Boards, folds: int
) -> Interval | None:
    """Return Δm with its interval over runs: seeds × folds, or seeds where there are rows to judge.

    R² may be zero; what it leaves unexplained takes its place.
    """
    pairs = [(board[method].scores, board[REFERENCE].scores) for board in boards.values()]
    if not all(ours and len(ours) == len(alone) for ours, alone in pairs):
        return None
    lower = np.array([result.metric == "r2" for result in results.values()])
    ours, alone = (
        np.where(lower[:, None], 1 - scores, scores)
        for scores in (np.array([pair[side] for pair in pairs]) for side in (0, 1))  # (K, J)
    )
    values = delta_m(ours, alone, lower)
    if not np.isfinite(values).all():
        return None
    judged = any(result.evaluate is not None for result in results.values())
    return gate.corrected_t(values, 0.0 if judged else 1 / folds)(gate.LEVEL)


def _choice(method: str, boards: Boards) -> float:
    """Rate a method by what models are chosen by, each task's against the task alone."""
    gains = [_mean(board[method]) - _mean(board[REFERENCE]) for board in boards.values()]
    return float(np.mean(gains)) if np.isfinite(gains).all() else -np.inf


def _mean(line: Line) -> float:
    return float(np.mean(line.choice)) if line.choice else np.nan


def _sentence(line: JointLine) -> str:
    if line.error:
        return f"Undecided: no method of several tasks could run; {line.method}: {line.error}"
    counts = ", ".join(
        f"{verdict} {len(named)}{_named(named)}"
        for verdict in ("helped", "hurt", "undecided")
        if (named := line.tasks(verdict))
    )
    change = "Δm cannot be said"
    if (delta := line.delta) is not None:
        change = (
            f"Δm is {delta.mean:+.1f} % (below zero is better; 95 % interval {delta.low:+.1f} to "
            f"{delta.high:+.1f})"
        )
    hurt = line.tasks("hurt")
    advice = f" Leave out {', '.join(hurt)}: better learnt alone." if hurt else ""
    if len(hurt) == len(line.gains):
        advice = " Learn each task alone."
    return f"Tasks together, by {line.method}: {counts}; {change}.{advice}"


def _named(tasks: Sequence[str], most: int = 4) -> str:
    more = f" and {len(tasks) - most} more" if len(tasks) > most else ""
    return f" ({', '.join(tasks[:most])}{more})"


def _notes(results: Mapping[str, Result], folds: int) -> list[str]:
    """Say what a careful reader should know."""
    if folds:
        return []
    labels = {name: result.target.labels for name, result in results.items()}
    few = ", ".join(name for name, counts in labels.items() if min(counts.values(), default=2) < 2)
    note = (
        f"Some class of {few} has a single label, so that nothing can be held out of any task: "
        "training has a fixed length, and models are chosen by a validator without labels."
    )
    return [note]
