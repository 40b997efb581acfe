"""SelfTraining: a model that learns from its own surest answers."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import torch

from fourfold.algorithms.pseudo_labels import surest
from fourfold.algorithms.samples import Sample
from fourfold.methods.kit import Apart, FitsApart, Fitted, Needs, PositiveInt, Problem, most_rows

__all__ = ["SelfTraining"]


@final
class SelfTraining(FitsApart):
    """Fit a model again and again, with its surest answers for the target among the labels.

    In each round it takes a larger share of each class's answers, in the last one all, so that no
    class crowds out another.

    Parameters
    ----------
    rounds
        Number of fits with answers of its own.

    References
    ----------
    Zou, Yu, Kumar & Wang, Unsupervised Domain Adaptation for Semantic Segmentation via
    Class-Balanced Self-Training, ECCV 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SelfTraining().fit(X[::2] + 3, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 3, y[::2]) > 0.8
    True
    """

    rounds: PositiveInt = 5

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True,
        words=True,
    )  # fmt: skip
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"base": ("linear", "kernel")}

    def _learn(self, problem: Problem) -> Fitted:
        apart = Apart.of(problem, self.base)
        known = apart.rows(apart.source.x)
        head = apart.head(self.alpha, known)
        for share in np.linspace(0, 1, self.rounds + 1)[1:]:
            with torch.no_grad():
                p = head(torch.from_numpy(apart.target)).softmax(1).numpy()
            rows, y = surest(p, share)
            weight = np.ones(len(y), np.float32)
            answered = Sample(apart.target[rows], y, weight).drawn(most_rows(self.base))
            head = apart.head(self.alpha, known.joined(answered))
        return apart.fitted(head)
