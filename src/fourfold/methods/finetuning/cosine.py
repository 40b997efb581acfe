"""Cosine head: cosine similarities on the source's frozen features."""

from __future__ import annotations

from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.finetuning._means import class_means
from fourfold.methods.kit import (
    USUAL,
    Fitted,
    Model,
    Needs,
    Positive,
    Problem,
    Recipe,
    Task,
    TrainsNetwork,
    probe,
)

__all__ = ["CosineHead"]


@final
class CosineHead(TrainsNetwork):
    """Train a last layer of cosine similarities on frozen source features.

    Features and class vectors are compared by angle alone, so that classes of few examples are not
    drowned by others whose weights are longer. Class vectors start at the mean direction of their
    examples, the source's for a class without a label of the target.

    Parameters
    ----------
    scale
        Factor of the cosines, before the softmax.

    References
    ----------
    Chen et al., A Closer Look at Few-shot Classification, ICLR 2019 (Baseline++). Qi, Brown & Lowe,
    Low-Shot Learning with Imprinted Weights, CVPR 2018 (the start).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> one = CosineHead().fit(X[::50] + 0.1, y[::50], source=Domain(X, y))
    >>> one.score(X, y) > 0.8
    True
    """

    scale: Positive = 10.0

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, classes=True, network=True)
    default_recipe: ClassVar[Recipe] = USUAL

    @property
    def keeps_classes(self) -> bool:
        """Whether classes of a source that no label of the target is of yet stay possible."""
        return True

    def build_head(self, task: Task, width: int) -> _Cosines:
        return _Cosines(task.n_outputs, width, self.scale)

    def _learn(self, problem: Problem) -> Fitted:
        body, known = problem.source_model.body, problem.target.known()
        cosines = self.build_head(problem.task, body.width)
        cosines.weight.data.copy_(class_means(body, problem, F.normalize))
        model = Model(body, cosines, fixed=True)
        return Fitted(model, probe(model, problem.task, known, problem.recipe))


@final
class _Cosines(nn.Module):
    """Logits scale·cos(f, w_k) of features (B, d) with k class vectors."""

    def __init__(self, classes: int, width: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) / width**0.5)
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        return self.scale * F.normalize(features) @ F.normalize(self.weight).T  # (B, k)
