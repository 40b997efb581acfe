"""Baseline: a linear model, so that a weak network cannot decide a verdict."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import FitsHead, Fitted, Flat, Problem, fit_head

__all__ = ["Linear"]


@final
class Linear(FitsHead):
    """Fit a linear model to the target alone, on its prepared inputs or frozen features.

    Logistic regression for classes and for each of several yes/no answers, ridge regression for
    numbers, by scikit-learn. A source may be given; nothing of it is used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Linear().fit(X, y).score(X, y) > 0.9
    True
    """

    uses_source: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body(Flat()))
        fit_head(model, problem.task, problem.target.known(), self.alpha, keep_features=False)
        return Fitted(model)
