"""Errors that are means over rows: of probabilities, and of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
from scipy.special import expit, log_softmax

from fourfold.core.tasks import Attributes, Classification, Regression
from fourfold.data.kinds import as_numbers
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import RowScore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain

    Floats = NDArray[np.float64]

__all__ = ["Brier", "LogLoss", "MeanAbsoluteError"]

MOST: Final = -math.log(1e-15)
"""Largest log loss of a row, where its class was thought impossible."""


@final
class LogLoss(RowScore):
    """Minus the logarithm of the true class's probability, in nats; of answers, the mean."""

    name = "log_loss"
    best: ClassVar[float] = 0.0
    lower: ClassVar[bool] = True
    worst = -MOST

    def rows(self, task: Task, y: NDArray[Any], outputs: Any) -> Floats:
        if isinstance(task, Attributes):
            true = y.astype(float)
            loss = np.logaddexp(0.0, np.where(true == 1, -1.0, 1.0) * np.float64(outputs))
            return -_known_mean(loss.clip(max=MOST), true)
        codes = _classes(self.name, task).codes(y)
        logs = log_softmax(np.asarray(outputs, np.float64), axis=1)
        loss = np.minimum(-logs[np.arange(len(y)), codes], MOST)
        return -np.where(codes < 0, MOST, loss)


@final
class Brier(RowScore):
    """Squared distance of the probabilities from the truth; halved for two classes and for answers.

    Parameters
    ----------
    two
        Whether there are two classes.
    """

    name = "brier"
    best: ClassVar[float] = 0.0
    lower: ClassVar[bool] = True

    def __init__(self, *, two: bool = False) -> None:
        self.share = 0.5 if two else 1.0
        self.worst = -2 * self.share

    def of(self, domain: Domain) -> Brier:
        return Brier(two=len(domain.counts) <= 2)

    def rows(self, task: Task, y: NDArray[Any], outputs: Any) -> Floats:
        if isinstance(task, Attributes):
            true = y.astype(float)
            return -_known_mean((expit(np.float64(outputs)) - true) ** 2, true)
        task = _classes(self.name, task)
        codes = task.codes(y)
        p = task.probabilities(outputs).astype(np.float64)
        of_true = np.where(codes < 0, 0.0, p[np.arange(len(y)), codes])
        return np.asarray(-self.share * ((p**2).sum(axis=1) - 2 * of_true + 1))


@final
class MeanAbsoluteError(RowScore):
    """Mean absolute error, in the units of the labels; of several numbers, their mean."""

    name = "mae"
    best: ClassVar[float] = 0.0
    lower: ClassVar[bool] = True

    def rows(self, task: Task, y: NDArray[Any], outputs: Any) -> Floats:
        if not isinstance(task, Regression):
            raise ParameterError(f"mae needs numbers; got a {type(task).__name__}")
        true = as_numbers(y)
        guess: Floats = task.decode(outputs).reshape(true.shape)
        return -_known_mean(np.abs(guess - true), true)


def _classes(name: str, task: Task) -> Classification:
    if not isinstance(task, Classification):
        raise ParameterError(f"{name} needs classes or answers; got a {type(task).__name__}")
    return task


def _known_mean(values: Floats, true: Floats) -> Floats:
    """Average each row's values (n, m) over its known labels."""
    known = ~np.isnan(true)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1), np.float64)
