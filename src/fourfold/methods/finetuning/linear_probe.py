"""Linear probe: a linear model on the features of a trained network that stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import torch

from fourfold.methods.finetuning._source_rows import folds_of_labels, source_rows_of_target
from fourfold.methods.kit import (
    USUAL,
    Data,
    Facts,
    Fitted,
    Flat,
    Model,
    Needs,
    Positive,
    Problem,
    Recipe,
    TrainsNetwork,
    fit_head,
    frozen_rows,
    usual_penalty,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.methods.kit import Body

__all__ = ["LinearProbe"]

WEIGHTS: Final = (5.0, 1.0, 25.0)
"""Weights of a target row beside one of the source that are tried; the first is the usual one."""
MOST_ROWS: Final = 2000
"""Source rows beside the target's, drawn by content."""


@final
class LinearProbe(TrainsNetwork):
    """Fit a logistic or ridge regression on the features of a trained network, which stays.

    A pretrained network gives the features as it is; any other one is trained on the source first.
    Features are computed once for all fits. Where the source has rows of the target's classes,
    these are learnt from, too, and a row of the target weighs more. The weight is chosen by
    cross-validation on the target's labels, at one penalty; then the penalty, on all rows.

    Parameters
    ----------
    alpha
        L2 penalty, as in :class:`Linear`; None chooses.
    target_weight
        Weight of a target row, where a source row has 1; None chooses.

    References
    ----------
    Kornblith, Shlens & Le, Do Better ImageNet Models Transfer Better?, CVPR 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = LinearProbe().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    alpha: Positive | None = None
    target_weight: Positive | None = None

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, network=True, pretrained=True)
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = USUAL

    @property
    def keeps_classes(self) -> bool:
        """Whether classes of a source that no label of the target is of yet stay possible."""
        return True

    def _learn(self, problem: Problem) -> Fitted:
        body = problem.frozen_body
        target = _features(body, problem.target.known())
        source = self._source(problem, body)
        weight, facts = self._chosen(problem, source, target)
        model = Model(body, problem.head(body.width), fixed=True)
        rows = target if source is None else source.joined(target, weight)
        model.head.load_state_dict(_solved(problem, rows, self.alpha))
        return Fitted(model, findings=facts)

    def _source(self, problem: Problem, body: Body) -> Data | None:
        """Return features and labels of the source's rows of the target's classes, if any."""
        known = source_rows_of_target(problem)
        if known is None:
            return None
        return _features(body, known.at(known.rows.draw(MOST_ROWS)))

    def _chosen(
        self, problem: Problem, source: Data | None, target: Data
    ) -> tuple[float, list[Facts]]:
        """Return the weight of a target row with the least loss of held-out labels."""
        if source is None:
            return 1.0, []
        weight = self.target_weight or WEIGHTS[0]
        splits = folds_of_labels(problem, target, 2) if self.target_weight is None else []
        if splits:
            losses = {w: self._loss(problem, source, target, w, splits) for w in WEIGHTS}
            weight = min(WEIGHTS, key=losses.__getitem__)
        return weight, [Facts("Weight of a target row", {"times a source row's": f"{weight:g}"})]

    def _loss(
        self,
        problem: Problem,
        source: Data,
        target: Data,
        weight: float,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ) -> float:
        total = 0.0
        for learnt, held in splits:
            rows = source.joined(target.at(learnt), weight)
            head = problem.head(rows.rows.shape[0])
            head.load_state_dict(_solved(problem, rows, self.alpha or _penalty(rows)))
            asked = target.at(held)
            with torch.no_grad():
                outputs = head(torch.from_numpy(asked.rows.take(np.arange(asked.rows.n))))
                total += float(problem.task.loss(outputs, asked.y, asked.weight))
        return total


def _solved(problem: Problem, rows: Data, alpha: float | None) -> dict[str, torch.Tensor]:
    """Return weight and bias of the linear head on features."""
    width = rows.rows.shape[0]
    model = Model(Flat().build((width,)), problem.head(width))
    fit_head(model, problem.task, rows, alpha, keep_features=False)
    return model.head.state_dict()


def _penalty(rows: Data) -> float:
    """Return the penalty at which weights of target rows are compared."""
    return usual_penalty(rows.rows.take(np.arange(rows.rows.n)), rows.row_weights)


def _features(body: Body, data: Data) -> Data:
    return data.fixed(frozen_rows(body, data.rows))
