"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.tasks import Attributes, Classification
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.study.metrics.base import Weights

__all__ = ["F1"]


@final
class F1(Score):
    """F1 of the rarer of two classes, or the mean over several classes or answers.

    Parameters
    ----------
    classes
        Classes that are averaged over: of two, the rarer one; by default all in the labels.
    """

    name = "f1"

    def __init__(self, classes: Sequence[Any] = ()) -> None:
        self.classes = list(classes)

    def of(self, domain: Domain) -> F1:
        counts = domain.counts
        if len(counts) != 2:
            return F1(list(counts))
        return F1([min(reversed(counts), key=lambda label: counts[label])])

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        rows = np.ones(len(y)) if weight is None else weight
        guess = task.decode(outputs)
        if isinstance(task, Attributes):
            true = y.astype(float)
            each = np.where(np.isnan(true), 0.0, rows[:, None])
            return float(np.mean(_f1(true == 1, guess == 1, each)))
        if not isinstance(task, Classification):
            raise ParameterError(f"f1 needs classes or answers; got a {type(task).__name__}")
        names = np.array(self.classes or np.unique(y).tolist())
        if names.dtype.kind == "U":
            y, guess = y.astype(str), guess.astype(str)
        return float(np.mean(_f1(y[:, None] == names, guess[:, None] == names, rows[:, None])))


def _f1(
    true: NDArray[np.bool_], guess: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the F1 of each column (n, m); 0 where nothing is true or guessed."""
    both = (true & guess) * weight
    either = (true * weight).sum(axis=0) + (guess * weight).sum(axis=0)
    return np.asarray(2 * both.sum(axis=0) / np.where(either > 0, either, 1.0))
