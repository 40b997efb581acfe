"""One task of a joint model, as a model of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self, final

from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import supervise

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Job, Model

__all__ = ["Member"]


@final
class Member(NetworkEstimator):
    """One task of a joint model: it predicts, is saved and exported like any other estimator.

    Fitted anew, by itself, it learns its task alone.
    """

    def _learn(self, job: Job) -> Model:
        model = job.model(job.body())
        self.history_ = supervise(model, job.task, job.target, job.recipe)
        return model

    def beside(self, task: Task, model: Model) -> Self:
        """Return the member for another task, which takes the same inputs."""
        other = copy.copy(self)
        other.task_, other.model_ = task, model
        return other
