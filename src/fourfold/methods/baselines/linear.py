"""A linear model on the same features, so that a weak network cannot decide a verdict."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

from fourfold.core.inference import in_blocks
from fourfold.core.parameters import Positive
from fourfold.core.tasks import Classification, Regression
from fourfold.core.training import Recipe
from fourfold.methods.job import supervise
from fourfold.methods.network import NetworkEstimator
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.methods.job import Job, Model

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
        ridge.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Linear().fit(X, y).score(X, y) > 0.9
    True
    """

    strength: Positive = 1.0

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        self.builder_ = Mlp(widths=())  # nothing but the inputs, flattened
        model = job.model(job.body())
        data = job.target.known()
        if isinstance(job.task, (Classification, Regression)):
            features = in_blocks(model.body, data.rows)
            _load(model.head, *self._solve(features, data.y.numpy(), job))
        else:
            self.history_ = supervise(model, job.task, data, job.recipe)
        return model

    def _solve(
        self, features: NDArray[np.float32], y: NDArray[np.float32], job: Job
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights (k, d) and biases (k,)."""
        if isinstance(job.task, Regression):
            there = ~np.isnan(y)
            models = [
                Ridge(alpha=self.strength).fit(features[on], column[on])
                for column, on in zip(y.T, there.T, strict=True)
            ]
            return np.stack([m.coef_ for m in models]), np.array([m.intercept_ for m in models])
        model = LogisticRegression(C=1 / self.strength, max_iter=1000)
        with warnings.catch_warnings():  # a label or two a class is what this is for
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            model.fit(features, y)
        weights, biases = model.coef_, model.intercept_
        if len(weights) == 1:  # two classes: one row, for the second against the first
            weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
        return weights, biases


def _load(head: nn.Module, weights: NDArray[np.float64], biases: NDArray[np.float64]) -> None:
    head.load_state_dict(
        {"weight": torch.as_tensor(weights).float(), "bias": torch.as_tensor(biases).float()}
    )
