"""Boosted: boosting that goes on from the source's trees."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.algorithms.additive.recalibration import PENALTY, recalibrate
from fourfold.methods.kit import Boosts, Facts, Fitted, Fraction, Ground, Needs, Problem

__all__ = ["Boosted"]


@final
class Boosted(Boosts):
    """Go on boosting from the source's trees, whose leaves are refitted to the target.

    Parameters
    ----------
    decay
        Share that a leaf keeps of its value, beside the one of the target's rows in it; 1 leaves
        the source's trees as they are, as ``monotonic_cst`` does.

    References
    ----------
    Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 2017:
    ``init_model`` and ``refit``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> Boosted().fit(X[::10], y[::10], source=Domain(X, y)).score(X, y) > 0.9
    True
    """

    decay: Fraction = 0.9

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, same_labels=True, columns=True, lightgbm=True
    )

    def idle(self) -> dict[str, str]:
        return {"decay": "monotonic_cst"} if self.monotonic_cst else {}

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        target, goal = ground.target, ground.goal
        decay = 1.0 if self.monotonic_cst else self.decay  # refitted leaves may break an order
        source = ground.refitted(ground.trees(self.monotonic_cst), decay)
        level = recalibrate(source.scores(target.x), target, goal, PENALTY)
        source = source.scaled(*level)
        offset = source.scores(target.x)
        trees = ground.trees(self.monotonic_cst).settle(target, offset)
        facts = Facts("Boosted trees", {"on the target": f"{trees.count}"})
        return ground.fitted(source.plus(trees.fit(target, offset)), facts)
