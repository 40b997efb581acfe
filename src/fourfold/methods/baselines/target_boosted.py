"""Baseline: boosted trees, the usual model of a table, on the target alone."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import Boosts, Fitted, Ground, Needs, Problem

__all__ = ["TargetBoosted"]


@final
class TargetBoosted(Boosts):
    """Boost small trees on the target alone, by LightGBM; their number is cross-validated.

    A source may be given; nothing of it is used.

    References
    ----------
    Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> TargetBoosted().fit(X, y).score(X, y) > 0.9
    True
    """

    needs: ClassVar[Needs] = Needs(columns=True)
    uses_source: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        trees = ground.boosting(self.monotonic_cst).settle(ground.target)
        return ground.fitted(trees.fit(ground.target), *trees.facts)
