"""Calibration of candidates by held-out rows, and of source models on another domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import logit

from fourfold.algorithms.calibration import Calibration, calibrate
from fourfold.core.tasks import Classification
from fourfold.study.running.outcomes import ANSWERED
from fourfold.study.splits import HiddenLabels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Outcome

__all__ = ["applied", "calibrated", "tempering"]

SHIFTED: Final = 0.8
"""Slope of a source model's log-odds on another domain; the least Brier score on eight public pairs
of tables is at .7 to .9, whichever of them is left out."""


def calibrated(
    question: Question, outcomes: Sequence[Outcome]
) -> tuple[list[Outcome], Calibration | None]:
    """Calibrate the outcomes of one candidate, each by rows that it has not held out.

    Returns
    -------
    list of Outcome, Calibration
        And the calibration of the fit on the whole target; None where nothing was held out, or
        labels are no classes.
    """
    splits, parts = question.protocol.splits, [one for one in outcomes if one.split is not None]
    classes = bool(parts) and isinstance(parts[0].task, Classification)
    if not classes or not isinstance(splits, HiddenLabels):
        return list(outcomes), None
    rows = np.concatenate([part.held for part in parts])
    outputs = np.concatenate([np.asarray(part.outputs["held"]) for part in parts])
    target = question.target
    labels = target.subset(rows)
    codes = parts[0].task.codes(labels.known)
    weight = np.ones(len(rows)) if labels.known_weight is None else labels.known_weight
    usable, repeats = codes >= 0, len(rows) / len(np.unique(rows))

    def by(kept: NDArray[np.bool_]) -> Calibration:
        if not kept.any():
            return Calibration()
        return calibrate(outputs[kept], codes[kept], weight[kept], repeats=repeats)

    whole = by(usable)
    found: list[Outcome] = []
    of_fold: dict[bytes, Calibration] = {}
    for one in outcomes:
        own = whole
        if one.split is not None:
            key = one.held.tobytes()
            if key not in of_fold:
                of_fold[key] = by(usable & ~np.isin(rows, one.held))
            own = of_fold[key]
        found.append(applied(own, one))
    return found, whole


def tempering(question: Question) -> Calibration | None:
    """Return the calibration of source models where the target has no labels to calibrate by.

    On another domain a model is surer of itself than it should be. Log-odds are drawn towards zero,
    those of two classes towards the usual ones of the source's labels. None without classes, and
    where some are unknown.

    References
    ----------
    Ovadia et al., Can You Trust Your Model's Uncertainty? Evaluating Predictive Uncertainty under
    Dataset Shift, NeurIPS 2019.
    """
    task = question.protocol.task
    if not isinstance(task, Classification) or task.beyond:
        return None
    shares = question.source_shares
    usual = float(logit(shares[1])) if len(shares) == 2 else 0.0
    return Calibration(SHIFTED, usual * (1 - SHIFTED))


def applied(calibration: Calibration, outcome: Outcome) -> Outcome:
    """Return an outcome with calibrated answers."""
    answers = {
        name: calibration.apply(np.asarray(given)) if name in ANSWERED else given
        for name, given in outcome.outputs.items()
    }
    return replace(outcome, outputs=answers)
