"""Baseline: a linear model, so that a weak network cannot decide a verdict."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import FitsHead, Fitted, Flat, Problem, Recipe, fit_head

__all__ = ["Linear"]


@final
class Linear(FitsHead):
    """Fit a linear model to the target alone, on its prepared inputs or frozen features.

    Logistic regression for classes, ridge regression for numbers, by scikit-learn; other tasks by
    gradient descent. A source may be given; nothing of it is used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Linear().fit(X, y).score(X, y) > 0.9
    True
    """

    uses_source: ClassVar[bool] = False
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body(Flat()))
        known = problem.target.known()
        history = fit_head(
            model, problem.task, known, problem.recipe, self.alpha, keep_features=False
        )
        return Fitted(model, history)
