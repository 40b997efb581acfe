"""AUC: the area under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import RaterScore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.study.metrics.base import Floats, Rater

__all__ = ["Auc"]


@final
class Auc(RaterScore):
    """Area under the ROC curve; of several classes, the mean of one against the rest."""

    name = "auc"
    worst = 0.5
    terms = "in 100 pairs of rows in the right order"

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        if not isinstance(task, Classification):
            raise ParameterError(f"auc needs classes; got a {type(task).__name__}")
        true, p = task.codes(y), task.probabilities(outputs)
        classes = [1] if len(task.classes_) == 2 else np.unique(true[true >= 0]).tolist()
        areas = [_area(true == code, p[:, code]) for code in classes]

        def rate(weights: Floats) -> Floats:
            each = np.stack([area(weights) for area in areas])
            known = ~np.isnan(each)
            mean = np.nansum(each, axis=0) / known.sum(axis=0).clip(min=1)
            return np.where(known.any(axis=0), mean, 0.5)

        return rate


def _area(true: NDArray[np.bool_], score: NDArray[Any]) -> Rater:
    """Return the area as a function of weights; NaN where one side has none.

    Sorted once: the weight of the others below each true row is a sum up to its place.
    """
    ours, others = np.flatnonzero(true), np.flatnonzero(~true)
    others = others[np.argsort(score[others], kind="stable")]
    first, last = (np.searchsorted(score[others], score[ours], side) for side in ("left", "right"))

    def rate(weights: Floats) -> Floats:
        below = np.zeros((len(others) + 1, weights.shape[1]))
        np.cumsum(weights[others], axis=0, out=below[1:])
        weight = weights[ours]
        won = np.einsum("ib,ib->b", weight, below[first])
        tied = np.einsum("ib,ib->b", weight, below[last]) if (first < last).any() else won
        total = weight.sum(axis=0) * below[-1]
        area = np.full(len(total), np.nan)
        np.divide(won + tied, 2 * total, out=area, where=total > 0)
        return area

    return rate
