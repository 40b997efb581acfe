"""The form of scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fourfold.core.wording import in_words
from fourfold.study.running.outcomes import take

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain

    Floats: TypeAlias = NDArray[np.float64]
    Weights: TypeAlias = Floats | None
    Rater: TypeAlias = Callable[[Floats], Floats]

__all__ = ["RaterScore", "RowScore", "Score", "mean_rater"]


class Score(ABC):
    """A number for a task's answers against true labels; higher is better.

    ``helped`` and ``hurt`` begin the sentence on a difference above zero, and below; ``best`` is
    the score without any error, ``worst`` that of answers that are all wrong. Errors are scores
    times −1, and shown without it: ``lower`` says that lower is better where they are shown.
    ``terms`` name the unit of a hundred times a difference in a user's terms, if it has some.
    """

    name: str
    best: ClassVar[float] = 1.0
    worst: float = 0.0
    lower: ClassVar[bool] = False
    helped: ClassVar[str] = "Transfer helped"
    hurt: ClassVar[str] = "Transfer hurt"
    terms: str = ""

    @abstractmethod
    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        """Rate answers of a fitted task for n rows against labels (n,) or (n, m).

        Rows count by their weights (n,), above 0; alike without any.
        """

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        """Return the score of these answers as a function of the rows' weights.

        It takes weights (n, b), 0 for rows that are left out, and returns a score for each of the b
        columns.
        """

        def rate(weights: Floats) -> Floats:
            columns = [(w, np.flatnonzero(w)) for w in weights.T]
            return np.array([self(task, y[i], take(outputs, i), w[i]) for w, i in columns])

        return rate

    def of(self, domain: Domain) -> Score:
        """Return the score for rows like those of a domain: its classes, and the rarer of two."""
        del domain
        return self

    @property
    def words(self) -> str:
        """The name in words."""
        return in_words(self.name)

    def shown(self, value: float) -> float:
        """Return a value, or a difference of two, as users know it."""
        return 0.0 - value if self.lower else value


class RaterScore(Score, ABC):
    """A score that is computed as a function of the rows' weights."""

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        rows = np.ones(len(y)) if weight is None else weight
        return float(self.rater(task, y, outputs)(rows[:, None])[0])

    @abstractmethod
    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        """Return the score of these answers as a function of the rows' weights."""


class RowScore(Score, ABC):
    """A score that is the mean of the rows' own."""

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        return float(np.average(self.rows(task, y, outputs), weights=weight))

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        return mean_rater(self.rows(task, y, outputs))

    @abstractmethod
    def rows(self, task: Task, y: NDArray[Any], outputs: Any) -> NDArray[np.float64]:
        """Rate each row, (n,)."""


def mean_rater(rows: Floats) -> Rater:
    """Return the mean of the rows' values (n,) as a function of their weights."""
    return lambda weights: rows @ weights / weights.sum(axis=0)
