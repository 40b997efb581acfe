"""Deciding: the worth of shipped models of two classes for decisions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import numpy as np
import pandas as pd

from fourfold import metrics
from fourfold.bundle.files import as_folder
from fourfold.core.tasks import Classification
from fourfold.data.rows import FrameRows
from fourfold.methods.saved import load
from fourfold.study.diagnostics.decisions import Decisions, Moved
from fourfold.study.running.outcomes import finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows
    from fourfold.estimators.predicting import Predicts
    from fourfold.study.choice.standing import Standing
    from fourfold.study.question import Question
    from fourfold.study.result import Result
    from fourfold.study.running.outcomes import Outcome

    Floats = NDArray[np.float64]

__all__ = ["decided"]

MOST_ROWS: Final = 50_000
"""Rows of a domain that are scored or compared."""
MOST_COLUMNS: Final = 30
"""Columns that are listed, those that moved most."""
FEWEST: Final = 30
"""Judged rows below which no tenths are told."""


def decided(
    questions: Mapping[str, Question],
    results: Mapping[str, Result],
    standings: Mapping[str, Standing],
    best: Path,
) -> dict[str, Result]:
    """Return the results with the worth of their models in ``best`` for decisions."""
    found = {}
    for name, result in results.items():
        outcomes = finished(standings[name].outcomes.get(result.shipped, ()))
        place = best if len(results) == 1 else best / as_folder(name)
        found[name] = replace(result, decisions=_decisions(questions[name], outcomes, place))
    return found


def _decisions(question: Question, outcomes: Sequence[Outcome], place: Path) -> Decisions | None:
    """Return the worth of a shipped model; None but for two classes with labels to judge by.

    Those are of rows to evaluate on, or else the target's own; outcomes of the first seed tell.
    """
    task = question.protocol.task
    if not _has_two(task):
        return None
    judged = _judged(question, outcomes)
    if judged is None:
        return None
    labels, p = judged
    known = question.target.known if question.target.n_labelled else labels
    shares = [float(np.mean(known.astype(str) == str(name))) for name in task.classes_]
    rare = int(shares[1] <= shares[0])
    event = str(task.classes_[rare])
    happened, chances = labels.astype(str) == event, p[:, rare].astype(np.float64)
    if len(labels) < FEWEST or happened.all() or not happened.any():
        return None
    model: Any = load(place)
    threshold = float(np.quantile(chances, 1 - shares[rare]))
    flagged = chances > threshold
    sources = [_some(one) for one in question.sources if one.n_labelled]
    before = [(one.known.astype(str) == event, _chances(model, one, rare)) for one in sources]
    edges = np.quantile(chances, np.arange(1, 10) / 10)
    source = [np.concatenate(part) for part in zip(*before, strict=True)]
    return Decisions(
        event=event,
        others=str(task.classes_[1 - rare]),
        threshold=threshold,
        confusion=[
            [int((happened == truth)[flagged == guess].sum()) for guess in (False, True)]
            for truth in (False, True)
        ],
        scores=_scores(happened, chances),
        calibration=metrics.calibration_curve(happened, chances),
        deciles=metrics.deciles(happened, chances),
        source_deciles=metrics.deciles(*source, edges=edges) if source else [],
        cut_offs=metrics.cut_offs(happened, chances),
        drift=[*_score_drift(question, source, model, rare, chances), *_column_drift(question)],
    )


def _has_two(task: Task) -> TypeGuard[Classification]:
    """Return whether a task is of two classes."""
    return isinstance(task, Classification) and len(task.classes_) == 2


def _judged(
    question: Question, outcomes: Sequence[Outcome]
) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
    """Return labels (n,) and probabilities (n, 2) of the rows that judge, of the first seed."""
    evaluate, splits = question.evaluate, question.protocol.splits
    if evaluate is not None:
        whole = next((one for one in outcomes if one.split is None), None)
        if whole is None or not _has_two(whole.task):
            return None
        return evaluate.known, whole.task.probabilities(np.asarray(whole.judged(evaluate)))
    held = [one for one in outcomes if one.split is not None and one.seed == outcomes[0].seed]
    pairs = [
        (splits.truth(one.held), one.task.probabilities(np.asarray(one.outputs["held"])))
        for one in held
        if _has_two(one.task)
    ]
    if not pairs:
        return None
    labels, p = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return labels, p


def _scores(happened: NDArray[np.bool_], chances: Floats) -> dict[str, float]:
    return {
        "AUC": metrics.auc_score(happened, chances),
        "Gini": metrics.gini_score(happened, chances),
        "KS": metrics.ks_statistic(happened, chances),
        "log loss": metrics.log_loss(happened, chances),
        "Brier score": metrics.brier_score(happened, chances),
        "calibration error": metrics.expected_calibration_error(happened, chances),
        "share of events": float(happened.mean()),
        "mean probability": float(chances.mean()),
    }


def _some(domain: Domain) -> Domain:
    """Return the labelled rows, or so many of them, drawn by content."""
    known = domain.subset(np.flatnonzero(domain.labelled))
    return known.subset(known.rows.draw(MOST_ROWS))


def _chances(model: Predicts, domain: Domain, rare: int) -> Floats:
    """Return the probabilities of the event, (n,)."""
    return np.asarray(model.predict_proba(domain)[:, rare], np.float64)


def _score_drift(
    question: Question, source: Sequence[Any], model: Predicts, rare: int, chances: Floats
) -> list[Moved]:
    """Return the drift of the score; that of the target is asked of all of its rows."""
    if not source:
        return []
    rows = question.target.subset(question.target.rows.draw(MOST_ROWS))
    own = _chances(model, rows, rare)
    onward = None if question.evaluate is None else metrics.drift_of(own, chances)
    return [Moved("score", metrics.drift_of(source[1], own), onward)]


def _column_drift(question: Question) -> list[Moved]:
    """Return the drift of the columns of a table, the largest first."""
    piles = [[one.rows for one in question.sources], [question.target.rows]]
    if question.evaluate is not None:
        piles.append([question.evaluate.rows])
    frames = [_frame(parts) for parts in piles]
    if not frames or any(frame is None for frame in frames):
        return []
    whole = [frame for frame in frames if frame is not None]
    names = [name for name in whole[1] if all(name in frame for frame in whole)]
    found = []
    for name in names:
        columns = [frame[name] for frame in whole]
        steps = [metrics.drift_of(*pair) for pair in pairwise(columns)]
        found.append(Moved(str(name), steps[0], steps[1] if len(steps) > 1 else None))
    return sorted(found, key=lambda one: -one.to_target.psi)[:MOST_COLUMNS]


def _frame(parts: Sequence[Rows]) -> pd.DataFrame | None:
    """Return some rows of a table; None for other rows."""
    frames = [p.take(p.draw(MOST_ROWS)) for p in parts if isinstance(p, FrameRows)]
    return pd.concat(frames) if frames and len(frames) == len(parts) else None
