"""Offset: the score of boosted trees of the source, corrected by a line on the target."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import Boosts, Facts, Fitted, Ground, Needs, Positive, Problem

__all__ = ["Offset"]


@final
class Offset(Boosts):
    """Fit a linear model beside the score of the source's boosted trees.

    The score is an offset: it stands beside the linear model with a coefficient of 1.

    Parameters
    ----------
    alpha
        L2 penalty of the linear model, for standardized features; None chooses by cross-validation.

    References
    ----------
    McCullagh & Nelder, Generalized Linear Models, 2nd ed. 1989, on offsets.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> Offset().fit(X[::10], y[::10], source=Domain(X, y)).score(X, y) > 0.9
    True
    """

    alpha: Positive | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, same_labels=True, columns=True, lightgbm=True
    )

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        model, alpha = ground.corrected(ground.trees(self.monotonic_cst), self.alpha)
        return ground.fitted(
            model, Facts("Correction of the source's score", {"alpha": f"{alpha:g}"})
        )
