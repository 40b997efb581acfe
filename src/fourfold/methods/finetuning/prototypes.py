"""Nearest class mean in the source's feature space: one example a class is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.data.rows import evenly
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import Model, recorded
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job

__all__ = ["Prototypes"]

MEAN_ROWS: Final = 5000
"""Of the source, for its mean."""


@final
class Prototypes(NetworkEstimator):
    """Classify by the nearest class mean among the features that the source taught.

    Nothing is trained on the target. Features are moved by the source's mean and brought to unit
    length first, which is what makes so simple a rule hold its own; where the source is a trained
    model without data, the mean of the target's rows stands in.

    Parameters
    ----------
    centre
        Subtract the source's mean.
    normalize
        Bring features to unit length.

    References
    ----------
    Snell, Swersky & Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017. Wang et al.,
    SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning, 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> one = Prototypes().fit(X[::50] + 0.1, y[::50], source=Domain(X, y))
    >>> one.score(X, y) > 0.8
    True
    """

    centre: bool = True
    normalize: bool = True

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, classes=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def last_layer(self, width: int) -> _Nearest:
        return _Nearest(self.task_.n_outputs, width, normalize=self.normalize)

    def _learn(self, job: Job) -> Model:
        body, known = job.source_model.body, job.target.known()
        nearest = self.last_layer(body.width)
        if self.centre:
            rows = job.target.rows if job.source is None else job.source.rows
            nearest.mean.copy_(recorded(body, rows.subset(evenly(rows.n, MEAN_ROWS))).mean(0))
        features = nearest.placed(recorded(body, known.rows))  # (n, d)
        for c, prototype in enumerate(nearest.prototypes):
            prototype.copy_(features[known.y == c].mean(0))
        return Model(body, nearest)


@final
class _Nearest(nn.Module):
    """Logits −‖f − c_k‖² of features (B, d) to k prototypes, after centring and normalizing."""

    mean: Tensor
    prototypes: Tensor

    def __init__(self, classes: int, width: int, *, normalize: bool) -> None:
        super().__init__()
        self.normalize = normalize
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("prototypes", torch.zeros(classes, width))

    def placed(self, features: Tensor) -> Tensor:
        moved = features - self.mean
        return F.normalize(moved) if self.normalize else moved

    def forward(self, features: Tensor) -> Tensor:
        f, c = self.placed(features), self.prototypes
        return 2 * f @ c.T - c.square().sum(1) - f.square().sum(1, keepdim=True)  # (B, k)
