"""A linear model on the same features, so that a weak network cannot decide a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.core.parameters import Positive
from fourfold.estimators.linear_head import solvable, solve
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import supervise
from fourfold.frozen.blocks import in_blocks
from fourfold.networks.mlp import Mlp
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model

__all__ = ["Linear"]


@final
class Linear(NetworkEstimator):
    """A linear model of the target alone, on its prepared inputs or frozen features.

    Logistic regression for classes, ridge regression for numbers, by scikit-learn; other tasks by
    gradient descent.

    Parameters
    ----------
    strength
        Of the L2 penalty, for standardized features: 1/C of the logistic regression, alpha of the
        ridge; None chooses by cross-validation on the labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Linear().fit(X, y).score(X, y) > 0.9
    True
    """

    strength: Positive | None = None

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        self.builder_ = Mlp(hidden_layer_sizes=())  # nothing but the inputs, flattened
        model = job.model(job.body())
        data = job.target.known()
        if solvable(job.task):
            features = in_blocks(model.body, data.rows)
            solve(model.head, features, data.y.numpy(), job.task, self.strength)
        else:
            self.history_ = supervise(model, job.task, data, job.recipe)
        return model
