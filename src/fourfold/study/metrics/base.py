"""The form of scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain

    Weights: TypeAlias = NDArray[np.float64] | None

__all__ = ["RowScore", "Score"]


class Score(ABC):
    """A number for a task's answers against true labels; higher is better.

    ``helped`` and ``hurt`` begin the sentence on a difference above zero, and below; ``worst`` is
    the score of answers that are all wrong. Errors are scores times −1, and shown without it:
    ``lower`` says that lower is better where they are shown.
    """

    name: str
    worst: float = 0.0
    lower: ClassVar[bool] = False
    helped: ClassVar[str] = "Transfer helped"
    hurt: ClassVar[str] = "Transfer hurt"

    @abstractmethod
    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        """Rate answers of a fitted task for n rows against labels (n,) or (n, m).

        Rows count by their weights (n,), above 0; alike without any.
        """

    def of(self, domain: Domain) -> Score:
        """Return the score for rows like those of a domain: its classes, and the rarer of two."""
        del domain
        return self

    @property
    def words(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    def shown(self, value: float) -> float:
        """Return a value, or a difference of two, as users know it."""
        return 0.0 - value if self.lower else value


class RowScore(Score, ABC):
    """A score that is the mean of the rows' own."""

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        return float(np.average(self.rows(task, y, outputs), weights=weight))

    @abstractmethod
    def rows(self, task: Task, y: NDArray[Any], outputs: Any) -> NDArray[np.float64]:
        """Rate each row, (n,)."""
