"""R²: the explained share of the variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.tasks import Regression
from fourfold.data.kinds import as_numbers
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.study.metrics.base import Floats, Rater, Weights

__all__ = ["R2"]


@final
class R2(Score):
    """Explained share of the variance; of several numbers, the mean over them."""

    name = "r2"
    terms = "% of the variance explained"

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        return task.score(y, outputs, weight)

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        if not isinstance(task, Regression):
            raise ParameterError(f"r2 needs numbers; got a {type(task).__name__}")
        true = as_numbers(y)
        there = (~np.isnan(true)).astype(np.float64)
        error = np.nan_to_num(task.decode(outputs).reshape(true.shape) - true) ** 2
        centred = np.nan_to_num(true - np.nanmean(true, axis=0))  # for small rounding errors

        def rate(weights: Floats) -> Floats:
            columns = weights.T  # (b, n)
            total = columns @ centred**2
            total -= (columns @ centred) ** 2 / (columns @ there).clip(min=1e-300)
            constant = total <= 1e-12 * (columns @ centred**2)
            return np.asarray(
                (1 - columns @ error / np.where(constant, 1.0, total)).mean(axis=1), np.float64
            )

        return rate
