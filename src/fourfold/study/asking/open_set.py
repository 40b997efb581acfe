"""Protocol of open sets: rows of the target may be of classes that the source lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone

from fourfold.core.tasks import Classification, infer_task
from fourfold.data.kinds import called
from fourfold.data.pooling import pool
from fourfold.errors import DataError, ParameterError
from fourfold.study.checks import check_classes
from fourfold.study.protocols import Protocol
from fourfold.study.scores import SCORES, HarmonicMean, Score
from fourfold.study.splits import HiddenLabels
from fourfold.study.validators.information import information_maximization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["answer_unknown", "open_protocol"]

METRICS: Final = ("accuracy", "balanced_accuracy")
"""Scores beside the H-score in which unknown classes count."""


def open_protocol(
    sources: Sequence[Domain], target: Domain, evaluate: Domain | None, *, metric: str | None
) -> Protocol:
    """Return the protocol for rows that may be of classes that the source lacks.

    Raises
    ------
    DataError, ParameterError
        If labels are no classes, or there are no rows of known or of unknown classes to judge on.
    """
    source = pool(sources)
    if not isinstance(infer_task(source, target), Classification):
        raise ParameterError("open_set must stand beside classes; got it beside other labels")
    task = Classification(open_set=True).fit(source)
    check_classes(task, sources, target, evaluate)
    known = task.classes_.tolist()
    score: Score = HarmonicMean(known, "h_score")
    if metric is not None:
        if metric not in METRICS:
            raise ParameterError(
                f"metric must be {' or '.join(METRICS)} beside open_set, or left out for the "
                f"H-score; got {metric!r}"
            )
        score = SCORES[metric]
    elif evaluate is not None:
        _check_both(evaluate, known)
    return Protocol(
        task=task,
        score=score,
        choice=SCORES["accuracy"],
        splits=HiddenLabels(sources, target, task, 2),
        chooser="panel",
        validator=information_maximization,
    )


def answer_unknown(candidates: Mapping[str, TransferEstimator]) -> None:
    """Make every candidate answer for rows of unknown classes, too."""
    for estimator in candidates.values():
        own = estimator.get_params(deep=False)["task"]
        task = Classification() if own is None else clone(own)
        estimator.set_params(task=task.set_params(open_set=True))


def _check_both(evaluate: Domain, known: Sequence[object]) -> None:
    """Refuse rows to judge the H-score on of known, or of unknown, classes alone."""
    here = np.isin(evaluate.known, np.array(known))
    if here.all() or not here.any():
        kind = "classes of the source" if here.all() else "classes that the source lacks"
        raise DataError(
            f"{called(evaluate)}, to evaluate on, must have rows of the source's classes and of "
            f"others, for their harmonic mean; got {kind} alone: say metric='accuracy' to judge "
            "on these"
        )
