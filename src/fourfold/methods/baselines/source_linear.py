"""Baseline: a linear model of the source, applied to the target as it is."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import FitsHead, Fitted, Flat, Model, Needs, Problem, fit_head

__all__ = ["SourceLinear"]


@final
class SourceLinear(FitsHead):
    """Fit a linear model to the source and predict the target, without adaptation.

    The target's labels must be among the source's classes; they are not used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SourceLinear().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2], y[::2]) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, open_set=True
    )
    uses_target_labels: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        task, body = problem.known_source_task, problem.body(Flat())
        model = Model(body, task.head(body.width))
        fit_head(model, task, problem.source_data.known(), self.alpha, keep_features=False)
        return Fitted(model)
