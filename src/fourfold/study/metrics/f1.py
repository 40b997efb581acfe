"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.tasks import Attributes, Classification
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import RaterScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.study.metrics.base import Floats, Rater

    Marks = NDArray[np.bool_]

__all__ = ["F1"]


@final
class F1(RaterScore):
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

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        true, guess, there = self._marked(task, y, task.decode(outputs))
        both = (true & guess & there).astype(np.float64)
        sums = (there & true).astype(np.float64) + (there & guess)

        def rate(weights: Floats) -> Floats:
            either = weights.T @ sums  # (b, m)
            f1 = 2 * (weights.T @ both) / np.where(either > 0, either, 1.0)
            return np.asarray(f1.mean(axis=1), np.float64)

        return rate

    def _marked(self, task: Task, y: NDArray[Any], guess: NDArray[Any]) -> tuple[Marks, ...]:
        """Return whether each class or answer is true, guessed, and known, (n, m) each."""
        if isinstance(task, Attributes):
            true = y.astype(float)
            return true == 1, guess == 1, ~np.isnan(true)
        if not isinstance(task, Classification):
            raise ParameterError(f"f1 needs classes or answers; got a {type(task).__name__}")
        names = np.array(self.classes or np.unique(y).tolist())
        if names.dtype.kind == "U":
            y, guess = y.astype(str), guess.astype(str)
        return y[:, None] == names, guess[:, None] == names, np.ones((len(y), 1), bool)
