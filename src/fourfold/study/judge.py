"""From outcomes to leaderboards: choices without evaluation labels, scores, and verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from fourfold.study import gate
from fourfold.study.candidates import changed_parameters
from fourfold.study.choice.consensus import choose_by_consensus
from fourfold.study.choice.posterior import expect
from fourfold.study.choice.standing import stand
from fourfold.study.choice.unlabelled import choose_by_panel, taken_as_it_is
from fourfold.study.diagnostics.open_sets import known_and_unknown
from fourfold.study.diagnostics.tables import cluster_contents
from fourfold.study.diagnostics.transcripts import transcript_errors
from fourfold.study.leaderboard import Gain, JointRow, LeaderboardRow, best_baseline, best_choice
from fourfold.study.running.outcomes import Failure, Outcome, finished, whole

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.study.choice.blending import Blended
    from fourfold.study.choice.prior import Prior
    from fourfold.study.choice.standing import Standing
    from fourfold.study.gate import Interval, Intervals
    from fourfold.study.question import Question
    from fourfold.study.scores import Score

__all__ = ["Assessed", "assess", "is_clear", "joint_rows", "leaderboards", "rate"]

REFERENCE: Final = "TargetOnly"
"""Baseline of Δm: the same network on each task alone."""
COMPARED: Final = {"clusterer": cluster_contents, "transcriber": transcript_errors}
"""Kind of task → findings on its answers beside the truth."""


@final
class Assessed(NamedTuple):
    """Candidates as they stand, and their rows by name."""

    standing: Standing
    rows: dict[str, LeaderboardRow]


def rate(
    question: Question,
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
    blends: Mapping[str, Blended] | None = None,
) -> dict[str, LeaderboardRow]:
    """Rate the methods that have outcomes, each by itself; blends predict the members' classes."""
    like = {name: blended.members[0] for name, blended in (blends or {}).items()}
    rows = {
        name: _rate(question, name, of, like.get(name, name)) for name, of in outcomes.items() if of
    }
    match question.protocol.chooser:
        case "labels":
            return rows
        case "panel":
            return choose_by_panel(question, rows, outcomes)
        case "consensus":
            return choose_by_consensus(question.protocol.choice, rows, outcomes)
        case "nobody":
            return taken_as_it_is(rows)


def assess(
    question: Question, outcomes: Mapping[str, Sequence[Outcome | Failure]], prior: Prior
) -> Assessed:
    """Rate the methods that have outcomes, calibrated, blends of them, and their expected gains."""
    standing = stand(question, outcomes, rate(question, outcomes), prior)
    rows = rate(question, standing.outcomes, standing.blends)
    return Assessed(standing, expect(question, rows, prior))


def leaderboards(
    questions: Mapping[str, Question],
    assessed: Mapping[str, Assessed],
    stopped: Collection[str] = (),
    *,
    judged: bool = True,
) -> dict[str, list[LeaderboardRow]]:
    """Return the leaderboard of each question, best first.

    Holm's correction goes over questions × methods; where rows to evaluate on judge, only over
    methods that did not stop early, as no label that judges has stopped the others. There are no
    intervals unless all is ``judged``.
    """
    rows = {
        name: {method: replace(row, stopped=method in stopped) for method, row in of.rows.items()}
        for name, of in assessed.items()
    }
    found = {
        (name, method): interval
        for name, question in (questions if judged else {}).items()
        for method, interval in _intervals(question, rows[name], assessed[name].standing).items()
    }
    aside = {
        (name, method)
        for name, method in found
        if method in stopped and questions[name].evaluate is not None
    }
    verdicts = gate.holm({key: interval for key, interval in found.items() if key not in aside})
    verdicts |= {key: (found[key](gate.LEVEL), "undecided") for key in aside}
    for (name, method), (difference, verdict) in verdicts.items():
        rows[name][method] = replace(rows[name][method], difference=difference, verdict=verdict)
    return {
        name: sorted(board.values(), key=lambda row: row.by_score, reverse=True)
        for name, board in rows.items()
    }


def is_clear(question: Question, assessed: Assessed, stopped: Collection[str]) -> bool:
    """Return whether the verdict on the method to be chosen is clear before the last seed."""
    rows = {name: row for name, row in assessed.rows.items() if name not in stopped}
    pick = best_choice([row for row in rows.values() if row.role == "transfer"])
    if pick is None:
        return False
    baselines = {name: row for name, row in assessed.rows.items() if row.role == "baseline"}
    found = _intervals(question, {**baselines, pick.method: pick}, assessed.standing)
    return any(gate.is_clear(interval) for interval in found.values())


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


# --- one method on one question ------------------------------------------------------------------


def _rate(
    question: Question, method: str, outcomes: Sequence[Outcome | Failure], like: str
) -> LeaderboardRow:
    """Rate a method by itself; without an interval a method of transfer is undecided.

    It predicts the classes of the candidate that it is like: itself, or a member of a blend.
    """
    baseline, estimator = question.is_baseline(method), question.candidates.get(method)
    row = LeaderboardRow(
        method=method,
        role="baseline" if baseline else "transfer",
        verdict=None if baseline else "undecided",
        blended=estimator is None,
        parameters={} if estimator is None else changed_parameters(estimator),
    )
    failed = [outcome.error for outcome in outcomes if isinstance(outcome, Failure)]
    if failed:
        return replace(row, error=failed[0])
    protocol, evaluate, done = question.protocol, question.evaluate, finished(outcomes)
    fits = whole(outcomes)
    parts = [outcome for outcome in done if outcome.split is not None]
    rated = protocol.splits.rate(protocol.choice, parts)
    choice = scores = question.absent.discounted(rated, like, protocol.choice)
    if not choice and protocol.validator is not None:
        choice = [protocol.validator(o.task, o.outputs["target"]) for o in fits]
    if evaluate is not None:
        truth, weight = evaluate.known, evaluate.known_weight
        scores = [protocol.score(o.task, truth, o.judged(evaluate), weight) for o in fits]
    found, opened = fits[0].findings, bool(protocol.task.beyond)
    if evaluate is not None and protocol.task.kind in COMPARED:
        found = [*found, *COMPARED[protocol.task.kind](evaluate, fits)]
    return replace(
        row,
        choice=choice,
        scores=scores,
        sides=known_and_unknown(evaluate, fits) if evaluate is not None and opened else {},
        seconds=float(np.mean([outcome.seconds for outcome in done])),
        losses=[outcome.losses for outcome in fits if outcome.losses],
        findings=found,
    )


# --- methods compared ----------------------------------------------------------------------------


def _intervals(
    question: Question, rows: Mapping[str, LeaderboardRow], standing: Standing
) -> dict[str, Intervals]:
    """Compare each method of transfer to the best baseline, paired over seeds and splits."""
    best = best_baseline(list(rows.values()))
    if best is None:
        return {}
    ours = [name for name, row in rows.items() if row.role == "transfer" and row.scores]
    if question.evaluate is None:
        splits = question.protocol.splits
        pairs = {name: _paired(rows[name].scores, best.scores) for name in ours}
        gaps = {name: splits.independent(one - other) for name, (one, other) in pairs.items()}
        return {name: gate.corrected_t(gap, splits.share) for name, gap in gaps.items()}
    done = {name: whole(standing.outcomes[name]) for name in (*ours, best.method)}
    return _resampled(question.protocol.score, done, best.method, question.evaluate)


def _resampled(
    score: Score, outcomes: Mapping[str, Sequence[Outcome]], best: str, evaluate: Domain
) -> dict[str, Intervals]:
    """Compare models to the best one's by resampling rows or groups, and seeds."""
    known, codes = evaluate.known, evaluate.annotations.group_codes
    bootstrap = gate.Bootstrap(
        len(known),
        weight=evaluate.known_weight,
        groups=None if codes is None else codes[evaluate.labelled],
    )
    drawn = bootstrap.rate(
        {
            name: [score.rater(o.task, known, o.judged(evaluate)) for o in done]
            for name, done in outcomes.items()
        }
    )
    pairs = {name: _paired(own, drawn[best]) for name, own in drawn.items() if name != best}
    return {name: bootstrap.interval(one - other) for name, (one, other) in pairs.items()}


def _paired(ours: Any, theirs: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores of the seeds that both have run, the first ones."""
    n = min(len(ours), len(theirs))
    return np.asarray(ours[:n]), np.asarray(theirs[:n])


# --- tasks together ------------------------------------------------------------------------------


def _joint_row(
    method: str,
    questions: Mapping[str, Question],
    tables: Mapping[str, Mapping[str, LeaderboardRow]],
) -> JointRow:
    own = {name: table[method] for name, table in tables.items()}
    error = next((row.error for row in own.values() if row.error), "")
    gains = {
        name: Gain(row.shown(questions[name].protocol.score).difference, row.verdict or "undecided")
        for name, row in own.items()
    }
    delta = None if error else _delta(method, list(questions.values()), list(tables.values()))
    return JointRow(method, delta, gains, error)


def _delta(
    method: str, questions: Sequence[Question], tables: Sequence[Mapping[str, LeaderboardRow]]
) -> Interval | None:
    """Return Δm with its interval over seeds × folds, or over seeds with rows to evaluate on.

    R² may be zero, so its unexplained share 1 − R² takes its place; errors are without their sign.
    """
    pairs = [(table[method].scores, table[REFERENCE].scores) for table in tables]
    if not all(ours and len(ours) == len(alone) for ours, alone in pairs):
        return None
    rated = [question.protocol.score for question in questions]
    unexplained = np.array([score.name == "r2" for score in rated])
    errors = np.array([score.lower for score in rated])
    scores = np.array(pairs).swapaxes(0, 1)  # (2, K, J)
    scores = np.where(unexplained[:, None], 1 - scores, scores)
    ours, alone = np.where(errors[:, None], -scores, scores)
    values = gate.delta_m(ours, alone, unexplained | errors)
    if not np.isfinite(values).all():
        return None
    if any(question.evaluate is not None for question in questions):
        return gate.corrected_t(values, 0.0)(gate.LEVEL)
    splits = questions[0].protocol.splits
    return gate.corrected_t(splits.independent(values), splits.share)(gate.LEVEL)


def _joint_choice(method: str, tables: Mapping[str, Mapping[str, LeaderboardRow]]) -> float:
    """Return the mean gain in the criterion of model selection over the tasks alone."""
    ours, alone = (
        np.array([np.mean(table[name].choice or np.nan) for table in tables.values()])
        for name in (method, REFERENCE)
    )
    gains = ours - alone
    return float(np.mean(gains)) if np.isfinite(gains).all() else -np.inf
