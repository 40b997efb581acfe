"""One task of a joint model, as an estimator of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self, final

from fourfold.estimators.network import TrainsNetwork
from fourfold.estimators.problem import Fitted
from fourfold.estimators.supervised import supervise

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem

__all__ = ["Member"]


@final
class Member(TrainsNetwork):
    """One task of a joint model: it predicts, is saved and exported like any other estimator.

    Fitted anew, by itself, it learns its task alone.
    """

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body())
        return Fitted(model, supervise(model, problem.task, problem.target, problem.recipe))

    def for_task(self, task: Task, model: Model) -> Self:
        """Return the member for another task on the same inputs."""
        other = copy.copy(self)
        other.task_, other.fitted_ = task, Fitted(model, self.history_, self.findings_)
        return other
