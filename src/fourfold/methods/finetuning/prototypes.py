"""Prototypes: the nearest class mean in the source's feature space."""

from __future__ import annotations

from typing import ClassVar, Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.finetuning._means import class_means
from fourfold.methods.kit import (
    USUAL,
    Fitted,
    Model,
    Needs,
    Problem,
    Recipe,
    SourceNetwork,
    Task,
    TrainsNetwork,
    teacher_outputs,
)

__all__ = ["Prototypes"]

MEAN_ROWS: Final = 5000
"""Rows of the source that its mean is taken over."""


@final
class Prototypes(TrainsNetwork):
    """Classify by the nearest class mean in the source model's feature space.

    Nothing is trained on the target. Features are centred by the source's mean and brought to unit
    length first, without which so simple a rule would not compete; where the source is a trained
    model without data, the mean of the target's rows is taken. A class of the source without a
    label of the target is at the mean of the source's rows.

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

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, classes=True, network=True)
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = USUAL

    @property
    def keeps_classes(self) -> bool:
        """Whether classes of a source that no label of the target is of yet stay possible."""
        return True

    def build_head(self, task: Task, width: int) -> _Nearest:
        return _Nearest(task.n_outputs, width, normalize=self.normalize)

    def _learn(self, problem: Problem) -> Fitted:
        body = problem.source_model.body
        nearest = self.build_head(problem.task, body.width)
        if self.centre:
            without_data = isinstance(problem.source, SourceNetwork)
            rows = problem.target.rows if without_data else problem.source_data.rows
            some = rows.subset(rows.draw(MEAN_ROWS))
            nearest.mean.copy_(teacher_outputs(body, some).mean(0))
        nearest.prototypes.copy_(class_means(body, problem, nearest.embed_inputs))
        return Fitted(Model(body, nearest, fixed=True))


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

    def embed_inputs(self, features: Tensor) -> Tensor:
        moved = features - self.mean
        return F.normalize(moved) if self.normalize else moved

    def forward(self, features: Tensor) -> Tensor:
        f, c = self.embed_inputs(features), self.prototypes
        return 2 * f @ c.T - c.square().sum(1) - f.square().sum(1, keepdim=True)  # (B, k)
