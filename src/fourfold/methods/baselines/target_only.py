"""The target alone, with the same network and no source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import supervise
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model
    from fourfold.training.phases import History

__all__ = ["TargetOnly"]


@final
class TargetOnly(NetworkEstimator):
    """Train on the target's labels alone: the same network, the same frozen prefix, no source.

    A source may be given, so that every method is called in one way; it only takes part in the
    preparation of inputs, which sees no labels.

    Attributes
    ----------
    history_
        Losses and seconds of the training.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> TargetOnly().fit(X, y).score(X, y) > 0.9
    True
    """

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        model = job.model(job.body())
        self.history_: History = supervise(model, job.task, job.target, job.recipe)
        return model
