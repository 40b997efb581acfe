"""LabelShift: the source model, for other shares of the classes."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from scipy.special import expit, softmax

from fourfold.algorithms.label_shift import shares_by_likelihood
from fourfold.methods.kit import Facts, Fitted, Ground, Needs, NonNegative, Problem, WrapsBase

__all__ = ["LabelShift"]


@final
class LabelShift(WrapsBase):
    """Correct a source model for the shares that its classes have in the target.

    The shares are the likeliest ones for the target's rows (MLLS). Ranks of two classes stay as
    they are, probabilities and decisions change. It is right where rows of a class look alike in
    both domains; where these differ, shares may be far off. The target's labels are not used.

    Parameters
    ----------
    strength
        Number of rows with the source's shares that are added to the target's.

    References
    ----------
    Saerens, Latinne & Decaestecker, Adjusting the Outputs of a Classifier to New a Priori
    Probabilities, Neural Computation 2002.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = X[y > 0]  # no setosa
    >>> LabelShift().fit(few, source=Domain(X, y)).score(few, y[y > 0]) > 0.9
    True
    """

    strength: NonNegative = 10.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True,
        columns=True,
    )  # fmt: skip
    uses_target_labels: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        source, goal = ground.source_model(self.make_base(ground)), ground.goal
        scores = source.scores(ground.features.values(problem.target))
        p = np.hstack([expit(-scores), expit(scores)]) if goal.two else softmax(scores, axis=1)
        rows = ground.source
        counts = np.bincount(rows.y.astype(int), rows.weight, minlength=goal.outputs) + 1e-3
        before = counts / counts.sum()
        shares = shares_by_likelihood(p, before, self.strength)
        moves = np.log(np.maximum(shares, 1e-6) / before)
        shifts = moves[1:] - moves[:1] if goal.two else moves
        names = [str(name) for name in problem.task.decode(np.eye(goal.outputs, dtype=np.float32))]
        pairs = zip(names, before, shares, strict=True)
        facts = {name: f"{old:.3f} in the source, {new:.3f} here" for name, old, new in pairs}
        moved = source.scaled(np.ones(goal.columns), shifts)
        return ground.fitted(moved, Facts("Shares of the classes", facts))
