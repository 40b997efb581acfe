"""The conclusion of a study of several tasks: each task's leaderboard becomes one result."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from fourfold.errors import some
from fourfold.study.dependence import group_names
from fourfold.study.judge import joint_rows
from fourfold.study.result import JointResult
from fourfold.study.splits import HiddenLabels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.study.leaderboard import JointRow, LeaderboardRow
    from fourfold.study.question import Question
    from fourfold.study.result import Result

__all__ = ["conclude_tasks"]


def conclude_tasks(
    title: str,
    questions: Mapping[str, Question],
    boards: Mapping[str, Sequence[LeaderboardRow]],
    results: Mapping[str, Result],
) -> JointResult:
    """Return the result of a study of several tasks, from each task's leaderboard and result."""
    rows = joint_rows(questions, boards)
    chosen = rows[0]
    return JointResult(
        title=title or f"{len(results)} tasks: {', '.join(results)}",
        sentence=_joint_sentence(chosen),
        verdict=chosen.verdict,
        chosen="" if chosen.error else chosen.method,
        leave_out=[] if chosen.error else chosen.tasks("hurt"),
        shipped={name: result.shipped for name, result in results.items() if result.shipped},
        lines=rows,
        results=dict(results),
        notes=_joint_notes(questions),
    )


def _joint_sentence(row: JointRow) -> str:
    if row.error:
        return f"Undecided: no method of several tasks could run; {row.method}: {row.error}"
    counts = ", ".join(
        f"{verdict} {len(named)} ({some(named, 4)})"
        for verdict in ("helped", "hurt", "undecided")
        if (named := row.tasks(verdict))
    )
    change = "Δm cannot be said"
    if (delta := row.delta) is not None:
        change = (
            f"Δm is {delta.mean:+.1f} % (below zero is better; 95 % interval {delta.low:+.1f} to "
            f"{delta.high:+.1f})"
        )
    hurt = row.tasks("hurt")
    advice = f" Leave out {', '.join(hurt)}: better learnt alone." if hurt else ""
    if len(hurt) == len(row.gains):
        advice = " Learn each task alone."
    return f"Tasks together, by {row.method}: {counts}; {change}.{advice}"


def _joint_notes(questions: Mapping[str, Question]) -> list[str]:
    """List the caveats of a study of several tasks."""
    notes = [f"{name}: {note}" for name, question in questions.items() for note in question.notes]
    named = [group_names(one.target, one.target.labelled) for one in questions.values()]
    if several := sum(count > 1 for count in Counter(chain(*named)).values()):
        notes.append(
            f"{several} groups have rows in several tasks: what is held out of one task is learnt "
            "from in the others."
        )
    if all(question.protocol.splits.count for question in questions.values()):
        return notes
    few = ", ".join(
        name
        for name, question in questions.items()
        if not HiddenLabels([], question.target, question.protocol.task, 2).count
    )
    single = (
        f"Fewer than two classes of {few} have two labels, so that nothing can be held out of any "
        "task: training has a fixed length, and models are chosen by a validator without labels."
    )
    return [*notes, single]
