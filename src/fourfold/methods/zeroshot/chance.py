"""Chance: what is right by luck where nothing is learnt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Final, final

import torch
from torch import Tensor, nn

from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model
from fourfold.methods.zeroshot._described import DescribedEstimator, LabelHead
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson

__all__ = ["Chance"]

WAVES: Final = 64
"""So many random waves make a score."""
FREQUENCY: Final = 30.0
"""Far more than it takes for like rows to be answered as independently as unlike ones."""


@final
class Chance(DescribedEstimator):
    """Answer at random: each row gets any of the classes, equally likely.

    The answer follows from the row, the description and the seed, so that it is the same again.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> known = Domain(X, y, classes={0: [0.0], 1: [1.0], 2: [2.0]})
    >>> 0.2 < Chance().fit(X, source=known).score(X, y) < 0.5
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )

    def head_for(self, width: int, classes: int) -> _Waves:
        return _Waves(width, self.signature_width, classes)

    def learn(self, job: Job, lesson: Lesson) -> Model:  # noqa: ARG002  nothing is learnt
        self.builder_ = Mlp(hidden_layer_sizes=())
        body = job.body()
        return Model(body, self.head_for(body.width, 1))


@final
class _Waves(LabelHead):
    """Scores Σ cos(u(x)) cos(v(s)) of rows and signatures, u and v affine maps."""

    def __init__(self, width: int, signature: int, classes: int) -> None:
        super().__init__(classes, WAVES)
        self.of_row = nn.Linear(width, WAVES)
        self.of_class = nn.Linear(signature, WAVES)
        with torch.no_grad():
            for layer in (self.of_row, self.of_class):
                layer.weight.normal_(0, FREQUENCY / math.sqrt(layer.in_features))
                layer.bias.uniform_(0, 2 * math.pi)

    def place(self, features: Tensor) -> Tensor:
        waves: Tensor = self.of_row(features)
        return waves.cos()

    def label(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return self.of_class(signatures).cos(), signatures.new_zeros(len(signatures))
