"""Recalibrated: the source's score, with a level and a slope of the target."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.algorithms.additive.recalibration import PENALTY, recalibrate
from fourfold.methods.kit import Facts, Fitted, Ground, Needs, NonNegative, Problem, WrapsBase

__all__ = ["Recalibrated"]


@final
class Recalibrated(WrapsBase):
    """Fit an intercept and a slope near 1 to the score of a model of the source.

    Ranks stay as the source's, so that a handful of labels is enough. Numbers have a slope and a
    shift each; more than two classes share a slope.

    Parameters
    ----------
    penalty
        Penalty that pulls the slope to 1, in rows.

    References
    ----------
    Platt, Probabilistic Outputs for Support Vector Machines, Advances in Large Margin Classifiers
    1999; Steyerberg, Clinical Prediction Models, 2nd ed. 2019, ch. 20: recalibration and updating.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> Recalibrated().fit(X[::10], y[::10], source=Domain(X, y)).score(X, y) > 0.9
    True
    """

    penalty: NonNegative = PENALTY

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, same_labels=True, columns=True)
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"base": ("linear", "boosting")}

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        source = ground.source_model(self.make_base(ground))
        target = ground.target
        slopes, shifts = recalibrate(source.scores(target.x), target, ground.goal, self.penalty)
        facts = {"slope": ", ".join(f"{s:.3g}" for s in sorted({*slopes})[:4])}
        return ground.fitted(source.scaled(slopes, shifts), Facts("The source's score", facts))
