"""ToSource: a linear model that is pulled to the source's coefficients."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import Facts, Fitted, Ground, Needs, Positive, Problem, Wraps

__all__ = ["ToSource"]


@final
class ToSource(Wraps):
    """Fit a linear model to the target, with a penalty on the distance to the source's.

    Logistic regression for classes and for yes/no answers, ridge regression for numbers. What is
    pulled are the coefficients; intercepts are free.

    Parameters
    ----------
    alpha
        Penalty on the squared distance, for standardized features; None chooses by
        cross-validation: the larger it is, the less is taken from the target.
    source_alpha
        L2 penalty of the source's model; None chooses by cross-validation on the source.

    References
    ----------
    Evgeniou & Pontil, Regularized Multi-Task Learning, KDD 2004; Li et al., Explicit Inductive Bias
    for Transfer Learning with Convolutional Networks, ICML 2018: L2-SP, here convex.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> ToSource().fit(X[::10], y[::10], source=Domain(X, y)).score(X, y) > 0.9
    True
    """

    alpha: Positive | None = None
    source_alpha: Positive | None = None

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, same_labels=True, columns=True)

    @property
    def boosts(self) -> bool:
        return False

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        model, alpha = ground.corrected(ground.line(self.source_alpha), self.alpha)
        return ground.fitted(
            model, Facts("Pull to the source's coefficients", {"alpha": f"{alpha:g}"})
        )
