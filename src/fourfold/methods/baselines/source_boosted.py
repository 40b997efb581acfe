"""Baseline: boosted trees of the source, applied to the target as they are."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import Boosts, Fitted, Ground, Needs, Problem

__all__ = ["SourceBoosted"]


@final
class SourceBoosted(Boosts):
    """Boost small trees on the source and predict the target, without adaptation.

    The target's labels must be among the source's classes; they are not used.

    References
    ----------
    Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SourceBoosted().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2], y[::2]) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True,
        source_labels=True,
        target_labels=False,
        same_labels=True,
        columns=True,
        open_set=True,
    )
    uses_target_labels: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        return ground.fitted(ground.source_model(ground.trees(self.monotonic_cst)))
