"""Baseline: answers at random, equally likely for each class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import torch
from torch import Tensor, nn

from fourfold.methods.kit import Fitted, Flat, Model, Needs, OnFeatures, Problem
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._label_heads import LabelHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

__all__ = ["Chance"]

WAVES: Final = 64
"""Number of random waves in a score."""
FREQUENCY: Final = 30.0
"""High enough that similar rows are answered as independently as others."""


@final
class Chance(OnFeatures, Describes):
    """Answer at random, with every class equally likely.

    The answer is a function of the row, the description and the seed, so that it can be repeated.

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
        source=True,
        source_labels=True,
        target_labels=False,
        classes=True,
        described=True,
        network=True,
    )
    accepts_towers: ClassVar[bool] = True

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> _Waves:
        del state
        return _Waves(width, signatures.width, classes)

    def _recognize(self, problem: Problem, seen: SeenData, chosen: Any) -> Fitted:
        del chosen
        body = problem.body(Flat())
        return Fitted(Model(body, _Waves(body.width, seen.signatures.shape[1], 1)))


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

    def embed_inputs(self, features: Tensor) -> Tensor:
        waves: Tensor = self.of_row(features)
        return waves.cos()

    def embed_classes(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return self.of_class(signatures).cos(), signatures.new_zeros(len(signatures))
