"""The conclusion of a study: leaderboards become a result in plain words."""

from __future__ import annotations

import datetime as dt
import platform
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from fourfold.core.version import VERSION
from fourfold.errors import FourfoldError
from fourfold.study.asking.reading import describe_data
from fourfold.study.choice.telling import chosen_by, correction, disbelieved, reasons
from fourfold.study.diagnostics.points import points_of
from fourfold.study.diagnostics.tables import confusion_counts
from fourfold.study.leaderboard import SOURCE_MODELS, best_baseline, best_choice
from fourfold.study.result import DataSummary, Result
from fourfold.study.running.outcomes import PLOTTED, finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.study.choice.prior import Prior
    from fourfold.study.choice.standing import Standing
    from fourfold.study.gate import Interval, Verdict
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question
    from fourfold.study.result import Points
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.scores import Score

__all__ = ["conclude"]

MOST_CLASSES: Final = 1000
"""Classes that are counted one by one in the summary of data."""


def conclude(
    question: Question,
    board: Sequence[LeaderboardRow],
    standing: Standing,
    prior: Prior,
    settings: Mapping[str, Any],
    notes: Sequence[str],
) -> Result:
    """Return the result of one question, from its leaderboard and the candidates as they stand.

    Raises
    ------
    FourfoldError
        If no method could run.
    """
    if all(row.error for row in board):
        failures = "; ".join(f"{row.method}: {row.error}" for row in board)
        raise FourfoldError(f"some method must be able to run; none was: {failures}")
    protocol = question.protocol
    score, choice = protocol.score, protocol.choice if protocol.splits.count else None
    shipped, rival = best_choice(board), best_baseline(board)
    pick = best_choice([row for row in board if row.role == "transfer"])
    verdict: Verdict = pick.verdict or "undecided" if pick is not None else "undecided"
    done = [] if shipped is None else finished(standing.outcomes[shipped.method])
    classes, confusion = confusion_counts(question, done)
    corrected, optimism = correction(question, board, shipped, prior)
    notes = [*_notes(question, board, shipped, pick, verdict), *notes]
    notes += [*reasons(question, shipped, standing), *optimism]
    reading, doubts = describe_data(question.domains)
    return Result(
        reading=reading,
        doubts=doubts,
        title=question.title,
        cell=question.placement.cell,
        verdict=verdict,
        sentence=_sentence(question, pick, rival, verdict),
        metric=score.name,
        lower_is_better=score.lower,
        chosen_by=chosen_by(question, board),
        judged_by=_judged_by(question),
        shipped=shipped.method if shipped is not None else "",
        best_baseline=rival.method if rival is not None else "",
        corrected=None if corrected is None else score.shown(corrected),
        notes=notes,
        sources=[_summary(source) for source in question.sources],
        target=_summary(question.target),
        evaluate=None if question.evaluate is None else _summary(question.evaluate),
        lines=[row.shown(score, choice) for row in board],
        classes=classes,
        confusion=confusion,
        pictures=_pictures(question, done),
        place=question.placement.reasons,
        open=list(question.placement.open),
        settings=_repeatable(question, settings),
    )


def _repeatable(question: Question, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that is needed to repeat a study, beside its data."""
    return {
        "fourfold": VERSION,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "folds": question.protocol.splits.count,
        **settings,
        "preparation": question.preparation.describe(),
    }


def _sentence(
    question: Question, pick: LeaderboardRow | None, rival: LeaderboardRow | None, verdict: Verdict
) -> str:
    if pick is None:
        return "Undecided: no transfer method could run."
    if pick.difference is None or rival is None:
        return (
            f"Undecided: there are too few target labels to tell whether {pick.method} helps; "
            "bring some to evaluate on."
        )
    score = question.protocol.score
    ours, theirs = pick.shown(score), rival.shown(score)
    difference = ours.difference or pick.difference
    better = ", lower is better," if score.lower else ""
    as_it_is = f"over the source model as it is, {rival.method}, with"  # there are no labels
    beside = as_it_is if rival.method in SOURCE_MODELS else rival.method
    low, high = f"{difference.low:+.3f}", f"{difference.high:+.3f}"
    words = {"helped": score.helped, "hurt": score.hurt, "undecided": "Undecided"}
    return (
        f"{words[verdict]}: {pick.method} reached {np.mean(ours.scores):.3f} "
        f"{score.words}{better or ','} {beside} {np.mean(theirs.scores):.3f}; "
        f"the difference is {difference.mean:+.3f}, its 95 % interval {low} to {high}"
        f"{_worth(score, difference)}."
    )


def _worth(score: Score, gap: Interval) -> str:
    """Say a difference and its interval in a user's terms."""
    if not score.terms:
        return ""
    mean, low, high = (100 * value for value in (gap.mean, gap.low, gap.high))
    return f": {mean:+.1f} ({low:+.1f} to {high:+.1f}) {score.terms}"


def _judged_by(question: Question) -> str:
    if question.evaluate is not None:
        n, groups = question.evaluate.n_labelled, question.evaluate.annotations.group_codes
        if groups is None:
            return f"{n} rows to evaluate on, bootstrap over rows × seeds"
        several = len(np.unique(groups[question.evaluate.labelled]))
        return f"{n} rows of {several} groups to evaluate on, bootstrap over groups × seeds"
    if question.protocol.splits.count:
        return question.protocol.splits.judged_by
    return "nothing: there are no labels to judge by"


def _notes(
    question: Question,
    board: Sequence[LeaderboardRow],
    shipped: LeaderboardRow | None,
    pick: LeaderboardRow | None,
    verdict: Verdict,
) -> list[str]:
    """List the caveats of a result."""
    notes = [f"{row.method} could not run: {row.error}" for row in board if row.error]
    notes += question.notes
    if shipped is not None and pick is not None:
        better = {("baseline", "helped"): pick.method, ("transfer", "hurt"): "a baseline"}
        if (shipped.role, verdict) in better:
            notes.append(
                f"Choice and verdict disagree: {shipped.method} was chosen without evaluation "
                f"labels, though {better[shipped.role, verdict]} proved better on them."
            )
    if early := [row.method for row in board if row.stopped]:
        notes.append(f"{', '.join(early)} stopped early: others were far likelier to be chosen.")
    notes += disbelieved(question, board)
    others = [row.method for row in board if row.verdict == "helped" and row is not pick]
    if others and verdict != "helped":
        notes.append(f"{', '.join(others)} helped, but would not have been chosen.")
    if not question.protocol.splits.count and question.target.n_labelled:
        notes.append(
            f"{_lacking(question.target)}, so that nothing can be held out: training has a fixed "
            "length, and the model is chosen by a validator without labels."
        )
    return notes


def _lacking(target: Domain) -> str:
    """Begin the sentence on labels that cannot be divided into folds."""
    if target.annotations.groups is not None:
        return "Fewer than two classes have labels that groups and times allow to be held out"
    if target.annotations.time is not None:
        return "No labels come after some of two classes"
    return "Fewer than two classes have two labels"


def _pictures(question: Question, outcomes: Sequence[Outcome]) -> list[Points]:
    """Plot inputs and features of both domains, where a saved model gave features."""
    saved = [outcome.outputs for outcome in outcomes if PLOTTED[0] in outcome.outputs]
    if not saved:
        return []
    features = [np.asarray(saved[0][name]) for name in PLOTTED]
    return points_of(question.preparation, question.plotted, features)


def _summary(domain: Domain) -> DataSummary:
    counts = {} if domain.measured or len(domain.counts) > MOST_CLASSES else domain.counts
    return DataSummary(
        name=domain.name,
        kind=domain.rows.kind,
        rows=domain.n_rows,
        labelled=domain.n_labelled,
        shape=list(domain.rows.shape),
        labels={str(label): count for label, count in counts.items()},
        digest=domain.digest,
    )
