"""The conclusion of a study: outcomes become a result that a person can read."""

from __future__ import annotations

import datetime as dt
import platform
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch

from fourfold.core.tasks import Classification
from fourfold.core.version import VERSION
from fourfold.errors import FourfoldError
from fourfold.study.judge import by_choice
from fourfold.study.picture import pictures
from fourfold.study.result import Line, Pile, Points, Result, Verdict
from fourfold.study.runs import DRAWN, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.study.joint import Alone
    from fourfold.study.judge import Judge
    from fourfold.study.runs import Failure
    from fourfold.study.study import Study

    Asked: TypeAlias = Study | Alone

__all__ = ["conclude"]

MANY: Final = 1000
"""More classes than this are not listed one by one."""


def conclude(
    study: Asked,
    judge: Judge,
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
    lines: list[Line],
) -> Result:
    """Say what was found, from the outcomes and the leaderboard that was made of them.

    Raises
    ------
    FourfoldError
        If nothing could run.
    """
    if all(line.error for line in lines):
        reasons = "; ".join(f"{line.method}: {line.error}" for line in lines)
        raise FourfoldError(f"some method must be able to run; none was: {reasons}")
    shipped, rival = judge.shipped(lines), judge.best_baseline(lines)
    pick = _pick(lines)
    verdict: Verdict = pick.verdict or "undecided" if pick is not None else "undecided"
    classes, confusion = _confusion(study, judge, outcomes, shipped)
    for line in lines:
        line.parameters = _changed(study, line.method)
    return Result(
        title=study.title,
        cell=study.plan.cell,
        verdict=verdict,
        sentence=_sentence(study, pick, rival, verdict),
        metric=study.score.name,
        chosen_by=_chosen_by(study, judge),
        judged_by=_judged_by(study, judge),
        shipped=shipped.method if shipped is not None else "",
        best_baseline=rival.method if rival is not None else "",
        notes=_notes(study, lines, shipped, pick, verdict),
        sources=[_pile(source) for source in study.sources],
        target=_pile(study.target),
        evaluate=_pile(study.evaluate) if study.evaluate is not None else None,
        lines=lines,
        classes=classes,
        confusion=confusion,
        pictures=_pictures(study, outcomes, shipped),
        place=study.plan.reasons,
        open=list(study.plan.open),
        settings=_settings(study),
        seconds=0.0,
    )


def _pick(lines: Sequence[Line]) -> Line | None:
    """Return the transfer method that would be chosen, without a look at evaluation labels."""
    able = [line for line in lines if line.role == "transfer" and line.choice]
    return max(able, key=by_choice, default=None)


def _sentence(study: Asked, pick: Line | None, rival: Line | None, verdict: Verdict) -> str:
    if pick is None:
        return "Undecided: no transfer method could run."
    if pick.difference is None or rival is None:
        return (
            f"Undecided: there are too few target labels to tell whether {pick.method} helps; "
            "bring some to evaluate on."
        )
    words = {"helped": study.score.helped, "hurt": study.score.hurt, "undecided": "Undecided"}
    difference, score = pick.difference, study.score.name.replace("_", " ")
    return (
        f"{words[verdict]}: {pick.method} reached {np.mean(pick.scores):.3f} {score}, "
        f"{rival.method} {np.mean(rival.scores):.3f}; the difference is {difference.mean:+.3f}, "
        f"its 95 % interval {difference.low:+.3f} to {difference.high:+.3f}."
    )


def _chosen_by(study: Asked, judge: Judge) -> str:
    if study.folds:
        return judge.splits.chosen_by(study.choice)
    return "information maximization on the target's inputs, without labels"


def _judged_by(study: Asked, judge: Judge) -> str:
    if study.evaluate is not None:
        return f"{study.evaluate.n_labelled} rows to evaluate on, bootstrap over rows × seeds"
    if study.folds:
        return judge.splits.judged_by
    return "nothing: there are no labels to judge by"


def _notes(
    study: Asked,
    lines: Sequence[Line],
    shipped: Line | None,
    pick: Line | None,
    verdict: Verdict,
) -> list[str]:
    """Say what a careful reader should know."""
    notes = [f"{line.method} could not run: {line.error}" for line in lines if line.error]
    notes += study.notes
    if shipped is not None and pick is not None:
        baseline = shipped.role == "baseline"
        if baseline and verdict == "helped":
            notes.append(
                f"Choice and verdict disagree: {shipped.method} was chosen without evaluation "
                f"labels, though {pick.method} proved better on them."
            )
        if not baseline and verdict == "hurt":
            notes.append(
                f"Choice and verdict disagree: {shipped.method} was chosen without evaluation "
                "labels, though a baseline proved better on them."
            )
    others = [x.method for x in lines if x.verdict == "helped" and x is not pick]
    if others and verdict != "helped":
        notes.append(f"{', '.join(others)} helped, but would not have been chosen.")
    if not study.folds and study.target.n_labelled:
        notes.append(
            "Some class has a single label, so that nothing can be held out: training has a fixed "
            "length, and the model is chosen by a validator without labels."
        )
    if study.jobs > 1:
        notes.append(f"Times were taken with {study.jobs} fits at a time.")
    return notes


def _confusion(
    study: Asked,
    judge: Judge,
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
    shipped: Line | None,
) -> tuple[list[str], list[list[int]]]:
    """Count true against predicted classes of the shipped method, over all its scored rows."""
    if shipped is None or not isinstance(study.task, Classification):
        return [], []
    done = [o for o in outcomes[shipped.method] if isinstance(o, Outcome)]
    pairs = [pair for outcome in done for pair in _pairs(judge, outcome)]
    if not pairs:
        return [], []
    names = np.unique(np.concatenate([np.concatenate(pair) for pair in pairs]))
    if len(names) > MANY:
        return [], []
    counts = np.zeros((len(names), len(names)), np.int64)
    for true, guess in pairs:
        np.add.at(counts, (np.searchsorted(names, true), np.searchsorted(names, guess)), 1)
    return [str(name) for name in names], counts.tolist()


def _pairs(judge: Judge, outcome: Outcome) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return true and predicted classes of the rows that an outcome is scored on."""
    if judge.evaluate is not None and outcome.split is None:
        true = judge.evaluate.known
        guess = outcome.task.decode(outcome.outputs["evaluate"][judge.evaluate.labelled])
    elif judge.evaluate is None and outcome.split is not None:
        true = judge.truth(outcome)
        guess = outcome.task.decode(outcome.outputs["held"])
    else:
        return []
    if not len(true):
        return []
    if true.dtype.kind in "OU" or guess.dtype.kind == "U":
        return [(true.astype(str), guess.astype(str))]
    return [(true.astype(guess.dtype), guess)]


def _pictures(
    study: Asked, outcomes: Mapping[str, Sequence[Outcome | Failure]], shipped: Line | None
) -> list[Points]:
    if shipped is None:
        return []
    saved = [
        o for o in outcomes[shipped.method] if isinstance(o, Outcome) and DRAWN[0] in o.outputs
    ]
    if not saved:
        return []
    return pictures(study.prepare, study.drawn, [saved[0].outputs[name] for name in DRAWN])


def _pile(domain: Domain) -> Pile:
    counts = {} if domain.measured or len(domain.counts) > MANY else domain.counts
    return Pile(
        name=domain.name,
        kind=domain.rows.kind,
        rows=domain.n_rows,
        labelled=domain.n_labelled,
        shape=list(domain.rows.shape),
        labels={str(label): count for label, count in counts.items()},
        digest=domain.digest,
    )


def _changed(study: Asked, method: str) -> dict[str, str]:
    """Return the parameters of a method that are not its defaults."""
    estimator = study.candidates[method]
    defaults = type(estimator)().get_params(deep=False)
    ours = estimator.get_params(deep=False)
    return {
        name: repr(value)
        for name, value in ours.items()
        if name != "prepare" and repr(value) != repr(defaults[name])
    }


def _settings(study: Asked) -> dict[str, Any]:
    return {
        "fourfold": VERSION,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "seeds": list(range(study.seeds)),
        "folds": study.folds,
        "jobs": study.jobs,
        "threads": study.threads,
        "preparation": study.prepare.describe(),
    }
