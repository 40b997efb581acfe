"""The back-test of a study: its choice without labels, tried where labels are known."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone

from fourfold.bundle.files import as_folder
from fourfold.errors import FourfoldError, ParameterError
from fourfold.study.backtesting.shifts import shifts_of
from fourfold.study.backtesting.trials import Backtest, Trial
from fourfold.study.choice.unlabelled import believed, measured_on_sources
from fourfold.study.judge import assess
from fourfold.study.leaderboard import best_choice
from fourfold.study.question import BLENDS, ask_transfer
from fourfold.study.running.race import Race
from fourfold.study.running.runs import RunContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.asking.options import Options
    from fourfold.study.backtesting.shifts import Shift
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question
    from fourfold.study.result import Result
    from fourfold.study.running.progress import FitProgress

__all__ = ["affordable_seconds", "back_test", "check_backtest", "with_backtest"]

SHARE: Final = 0.25
"""Share of a study's time that its back-test takes, at most, where it is not asked for whole."""


def check_backtest(questions: Mapping[str, Question], *, asked: bool) -> None:
    """Refuse a back-test that is asked for where labels choose, or where none can be made."""
    if asked and _testable(questions) is None:
        raise ParameterError(
            "backtest must stand beside a labelled source of classes or numbers and a target "
            "without labels, whose classes are the source's; got it beside other data"
        )


def _testable(questions: Mapping[str, Question]) -> Question | None:
    """Return the only question, if its choice without labels can be tried."""
    first = next(iter(questions.values()))
    task, chooser = first.protocol.task, first.protocol.chooser
    able = len(questions) == 1 and chooser == "panel" and not (task.ragged or task.beyond)
    return first if able else None


def affordable_seconds(began: float, end: float | None, *, whole: bool) -> float:
    """Return the time for a back-test of a study that began, and should end, at these moments."""
    now = time.monotonic()
    share = math.inf if whole else (now - began) * SHARE / (1 - SHARE)
    return max(min(share, math.inf if end is None else end - now), 0.0)


def back_test(
    asked: Mapping[str, Question],
    race: Race,
    options: Options,
    bar: FitProgress,
    seconds: float,
    jobs: int | None,
) -> Backtest | None:
    """Choose without labels on targets made of the sources, and compare with their labels.

    The source's models take part, then those that are believed, then the others, the quick ones
    first, as far as they are expected to end within so many seconds.

    Parameters
    ----------
    asked
        Questions with the sources' own weights.
    race
        Of the study, at its end.

    Returns
    -------
    Backtest or None
        None where labels choose, the source is too small, or time is too short.
    """
    question = _testable(asked)
    if question is None:
        return None
    task = question.protocol.task
    (measured,), (outcomes,) = race.questions.values(), race.outcomes.values()
    rows = assess(measured, outcomes, race.prior).rows
    options = replace(options, metric=question.protocol.score.name)
    trials, most, began = [], 0, time.monotonic()
    stratified = task.stratified
    for shift in shifts_of(question.sources, question.preparation, stratified=stratified):
        names = _affordable(question, rows, shift, seconds - (time.monotonic() - began))
        if not names:
            break
        made = replace(options, methods=[_fresh(question, name, options) for name in names])
        try:
            trials.append(_tried(shift, made, race, bar, jobs))
        except FourfoldError:  # such as too few rows of a class: another shift may do
            continue
        most = max(most, len(names))
    return Backtest(trials, most, len(question.candidates)) if trials else None


def with_backtest(
    questions: Mapping[str, Question], results: Mapping[str, Result], found: Backtest | None
) -> dict[str, Result]:
    """Return the results with a back-test of the only question, and a note on it."""
    if found is None:
        return dict(results)
    return {
        name: replace(
            result,
            backtest=found,
            notes=[*result.notes, found.sentence(questions[name].protocol.score)],
        )
        for name, result in results.items()
    }


def _affordable(
    question: Question, rows: Mapping[str, LeaderboardRow], shift: Shift, seconds: float
) -> list[str]:
    """Return the candidates that should end in time; none without a method of transfer."""
    able = [n for n, row in rows.items() if not row.error and n in question.candidates]
    before = sum(one.n_rows for one in (*question.sources, question.target))
    share = min(sum(one.n_rows for one in (*shift.sources, shift.target)) / before, 1.0)
    first = [name for name in able if question.is_baseline(name)]
    members = [name for name in believed(rows.values()) if name in able]
    others = sorted({*able} - {*first, *members}, key=lambda name: (rows[name].seconds, name))
    chosen, left = [], seconds
    for name in (*first, *members, *others):
        left -= share * rows[name].seconds
        if left < 0:
            break
        chosen.append(name)
    return chosen if len(chosen) > len(first) else []


def _fresh(question: Question, name: str, options: Options) -> TransferEstimator:
    """Return an unfitted candidate without the preparation of the study."""
    candidate: TransferEstimator = clone(question.candidates[name])
    return candidate.set_params(prepare=options.prepare)


def _tried(shift: Shift, options: Options, race: Race, bar: FitProgress, jobs: int | None) -> Trial:
    """Run the candidates of one test with one seed, and choose."""
    target = shift.target
    asked = ask_transfer(
        shift.sources, target.unlabelled(), target, options=options, title=shift.name
    )
    own = race.context
    questions = measured_on_sources({shift.name: asked}, own.runtime.threads or 1)
    folder = own.folder / "backtest" / as_folder(shift.name)
    inside = RunContext.over(questions, folder, own.runtime, own.store)
    trial = Race(questions, inside, seeds=1, prior=race.prior, racing=False)
    for _ in trial.run(bar, resume=True, jobs=jobs, deadline=None):
        pass
    (question,), (outcomes,) = questions.values(), trial.outcomes.values()
    found = [row for row in assess(question, outcomes, race.prior).rows.values() if row.scores]
    return _judged(shift.name, found, question)


def _judged(name: str, rows: Sequence[LeaderboardRow], question: Question) -> Trial:
    """Compare the choice among rows with the best one, and with that among source models."""
    single = [row for row in rows if row.method not in BLENDS]
    chosen, source = best_choice(rows), best_choice([r for r in single if r.role == "baseline"])
    if chosen is None or source is None:
        raise FourfoldError("a back-test must have a candidate and a source model; got none")
    best = max(rows, key=lambda row: np.mean(row.scores))
    ends, score = (chosen, best, source), question.protocol.score
    means = [score.shown(float(np.mean(row.scores))) for row in ends]
    return Trial(name, chosen.method, best.method, source.method, (means[0], means[1], means[2]))
