"""From outcomes to leaderboards: choices without evaluation labels, scores, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import numpy as np

from fourfold.study import gate
from fourfold.study.candidates import changed_parameters
from fourfold.study.diagnostics.cluster_contents import cluster_contents
from fourfold.study.leaderboard import Gain, JointRow, LeaderboardRow
from fourfold.study.outcomes import Failure, Outcome, take
from fourfold.study.scores import Accuracy, ClassScore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.study.gate import Interval, Intervals, Verdict
    from fourfold.study.question import Question
    from fourfold.study.scores import Score

__all__ = ["finished", "joint_rows", "leaderboards"]

REFERENCE: Final = "TargetOnly"
"""Baseline of Δm: the same network on each task alone."""


@final
@dataclass(frozen=True)
class Ratings:
    """Ratings of one method on one question, before it is compared to others.

    Attributes
    ----------
    whole
        Outcomes on the whole target, one a seed.
    choice, scores
        As of a :class:`~fourfold.study.leaderboard.LeaderboardRow`.
    seconds
        Mean duration of a fit.
    error
        Reason why the method could not run; empty if it did.
    """

    whole: list[Outcome] = field(default_factory=list)
    choice: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""


def leaderboards(
    questions: Mapping[str, Question],
    outcomes: Mapping[str, Mapping[str, Sequence[Outcome | Failure]]],
) -> dict[str, list[LeaderboardRow]]:
    """Return the leaderboard of each question, best first.

    Holm's correction goes over questions × methods.

    Parameters
    ----------
    questions
        Name → question.
    outcomes
        Name → method → outcomes of all its runs.
    """
    rated = {
        name: {method: _rate(question, outcomes[name][method]) for method in question.candidates}
        for name, question in questions.items()
    }
    judged = gate.holm(
        {
            (name, method): interval
            for name, question in questions.items()
            for method, interval in _intervals(question, rated[name]).items()
        }
    )
    boards = {}
    for name, question in questions.items():
        rows = [
            _row(question, method, ratings, judged.get((name, method)))
            for method, ratings in rated[name].items()
        ]
        boards[name] = sorted(rows, key=lambda row: row.by_score, reverse=True)
    return boards


def joint_rows(
    questions: Mapping[str, Question], boards: Mapping[str, Sequence[LeaderboardRow]]
) -> list[JointRow]:
    """Return the gains and Δm of each joint method, the one to be chosen first."""
    tables = {name: {row.method: row for row in board} for name, board in boards.items()}
    first = next(iter(questions.values()))
    methods = [method for method in first.candidates if not first.is_baseline(method)]
    rows = [_joint_row(method, questions, tables) for method in methods]
    chosen = max(methods, key=lambda method: _joint_choice(method, tables))
    return sorted(rows, key=lambda row: row.method != chosen)


def finished(outcomes: Sequence[Outcome | Failure]) -> list[Outcome]:
    """Return the outcomes without failures, in the order of seeds and splits."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    return sorted(done, key=lambda o: (o.seed, -1 if o.split is None else o.split))


# --- one method on one question ------------------------------------------------------------------


def _rate(question: Question, outcomes: Sequence[Outcome | Failure]) -> Ratings:
    """Rate a method by itself."""
    failed = [outcome.error for outcome in outcomes if isinstance(outcome, Failure)]
    if failed:
        return Ratings(error=failed[0])
    protocol, evaluate, done = question.protocol, question.evaluate, finished(outcomes)
    whole = [outcome for outcome in done if outcome.split is None]
    parts = [outcome for outcome in done if outcome.split is not None]
    choice = crossed = protocol.splits.rate(protocol.choice, parts)
    if not crossed and protocol.validator is not None:
        choice = [protocol.validator(o.task, o.outputs["target"]) for o in whole]
    scores = crossed
    if evaluate is not None:
        on = np.flatnonzero(evaluate.labelled)
        scores = [
            protocol.score(o.task, evaluate.known, take(o.outputs["evaluate"], on)) for o in whole
        ]
    seconds = float(np.mean([outcome.seconds for outcome in done]))
    return Ratings(whole, choice, scores, seconds)


def _row(
    question: Question, method: str, ratings: Ratings, judged: tuple[Interval, Verdict] | None
) -> LeaderboardRow:
    """Fill in the row of a method; without an interval a method of transfer is undecided."""
    baseline = question.is_baseline(method)
    difference, verdict = judged or (None, None if baseline else "undecided")
    return LeaderboardRow(
        method=method,
        role="baseline" if baseline else "transfer",
        choice=ratings.choice,
        scores=ratings.scores,
        difference=difference,
        verdict=verdict,
        seconds=ratings.seconds,
        losses=[outcome.losses for outcome in ratings.whole if outcome.losses],
        parameters=changed_parameters(question.candidates[method]),
        findings=_findings(question, ratings.whole),
        error=ratings.error,
    )


def _findings(question: Question, whole: Sequence[Outcome]) -> list[Finding]:
    """Return the findings of the first seed; of clusters, also their classes."""
    if not whole:
        return []
    if question.evaluate is None or question.protocol.task.kind != "clusterer":
        return whole[0].findings
    return [*whole[0].findings, *cluster_contents(question.evaluate, whole)]


# --- methods compared ----------------------------------------------------------------------------


def _intervals(question: Question, rated: Mapping[str, Ratings]) -> dict[str, Intervals]:
    """Compare each method of transfer to the best baseline; none without scores."""
    scored = {method: ratings for method, ratings in rated.items() if ratings.scores}
    rivals = [ratings for method, ratings in scored.items() if question.is_baseline(method)]
    if not rivals:
        return {}
    best = max(rivals, key=lambda ratings: np.mean(ratings.scores))
    return {
        method: _interval(question, ratings, best)
        for method, ratings in scored.items()
        if not question.is_baseline(method)
    }


def _interval(question: Question, ours: Ratings, theirs: Ratings) -> Intervals:
    """Return the interval of the difference of two methods, paired over seeds and splits."""
    if question.evaluate is None:
        differences = np.array(ours.scores) - np.array(theirs.scores)
        return gate.corrected_t(differences, question.protocol.splits.share)
    pairs = list(zip(ours.whole, theirs.whole, strict=True))
    return _bootstrap(question.protocol.score, pairs, question.evaluate)


def _bootstrap(
    score: Score, pairs: Sequence[tuple[Outcome, Outcome]], evaluate: Domain
) -> Intervals:
    """Resample rows and seeds; scores by row or by class need not be computed anew."""
    known, on = evaluate.known, np.flatnonzero(evaluate.labelled)
    asked = [[(o.task, take(o.outputs["evaluate"], on)) for o in pair] for pair in pairs]
    if isinstance(score, Accuracy):
        by_row = [[score.rows(task, known, answers) for task, answers in pair] for pair in asked]
        return gate.paired_bootstrap(np.stack([ours - theirs for ours, theirs in by_row]))

    def difference(seed: int, rows: NDArray[np.intp]) -> float:
        ours, theirs = (score(task, known[rows], take(a, rows)) for task, a in asked[seed])
        return ours - theirs

    if not isinstance(score, ClassScore):
        return gate.bootstrap(difference, len(pairs), len(known))
    classes, groups = score, [[score.group(t, known, a) for t, a in pair] for pair in asked]

    def by_class(seed: int, rows: NDArray[np.intp]) -> float:
        ours, theirs = (classes.of_groups(g[rows], right[rows]) for g, right in groups[seed])
        return ours - theirs

    return gate.bootstrap(by_class, len(pairs), len(known))


# --- tasks together ------------------------------------------------------------------------------


def _joint_row(
    method: str,
    questions: Mapping[str, Question],
    tables: Mapping[str, Mapping[str, LeaderboardRow]],
) -> JointRow:
    own = {name: table[method] for name, table in tables.items()}
    error = next((row.error for row in own.values() if row.error), "")
    gains = {name: Gain(row.difference, row.verdict or "undecided") for name, row in own.items()}
    delta = None if error else _delta(method, list(questions.values()), list(tables.values()))
    return JointRow(method, delta, gains, error)


def _delta(
    method: str,
    questions: Sequence[Question],
    tables: Sequence[Mapping[str, LeaderboardRow]],
) -> Interval | None:
    """Return Δm with its interval over seeds × folds, or over seeds with rows to evaluate on.

    R² may be zero, so its unexplained share 1 − R² takes its place.
    """
    pairs = [(table[method].scores, table[REFERENCE].scores) for table in tables]
    if not all(ours and len(ours) == len(alone) for ours, alone in pairs):
        return None
    lower = np.array([question.protocol.score.name == "r2" for question in questions])
    ours, alone = (
        np.where(lower[:, None], 1 - scores, scores)
        for scores in (np.array([pair[side] for pair in pairs]) for side in (0, 1))  # (K, J)
    )
    values = gate.delta_m(ours, alone, lower)
    if not np.isfinite(values).all():
        return None
    judged = any(question.evaluate is not None for question in questions)
    share = 0.0 if judged else questions[0].protocol.splits.share
    return gate.corrected_t(values, share)(gate.LEVEL)


def _joint_choice(method: str, tables: Mapping[str, Mapping[str, LeaderboardRow]]) -> float:
    """Return the mean gain in the criterion of model selection over the tasks alone."""
    gains = [_mean(table[method]) - _mean(table[REFERENCE]) for table in tables.values()]
    return float(np.mean(gains)) if np.isfinite(gains).all() else -np.inf


def _mean(row: LeaderboardRow) -> float:
    return float(np.mean(row.choice)) if row.choice else np.nan
