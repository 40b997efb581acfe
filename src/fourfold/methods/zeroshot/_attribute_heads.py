"""Heads that predict attributes, and the class that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.zeroshot.attribute_posterior import Posterior
from fourfold.core.tasks.base import weighted
from fourfold.methods.zeroshot._label_heads import LabelHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.algorithms.zeroshot.signatures import AttributeEncoder

__all__ = ["AttributeAnswers", "PosteriorHead"]


@final
class AttributeAnswers(nn.Module):
    """A linear layer from features (B, d) to probabilities of values, and numbers, (B, m)."""

    binary: Tensor
    numbers: Tensor

    def __init__(self, width: int, groups: Sequence[AttributeEncoder]) -> None:
        super().__init__()
        parts = Posterior(groups).columns
        sorts = np.repeat([group.kind for group, _ in parts], [group.width for group, _ in parts])
        self.register_buffer("binary", torch.from_numpy(sorts == "binary"), persistent=False)
        self.register_buffer("numbers", torch.from_numpy(sorts == "continuous"), persistent=False)
        self.categories = [on for group, on in parts if group.kind == "categorical"]
        self.linear = nn.Linear(width, len(sorts))

    def forward(self, features: Tensor) -> Tensor:
        logits = self.linear(features)
        predicted = torch.where(self.binary, logits.sigmoid(), logits)
        for on in self.categories:
            among = logits[:, on].softmax(1)
            predicted = torch.cat([predicted[:, : on.start], among, predicted[:, on.stop :]], 1)
        return predicted

    def loss(self, features: Tensor, wanted: Tensor, weight: Tensor | None = None) -> Tensor:
        """Average a row's loss over its known attributes, (B, m) with NaN elsewhere, by weights."""
        predicted = self.linear(features)
        there, true = ~wanted.isnan(), wanted.nan_to_num()
        truth = F.binary_cross_entropy_with_logits(predicted, true.clamp(0, 1), reduction="none")
        square = (predicted - true).square() / 2
        losses = ((truth * self.binary + square * self.numbers) * there).sum(1)  # (B,)
        for on in self.categories:
            cost = -(true[:, on] * predicted[:, on].log_softmax(1)).sum(1)
            losses = losses + cost * there[:, on.start]
        return weighted(losses, weight).mean()


@final
class PosteriorHead(LabelHead):
    """Σ log p(a|x) / p(a) over the attributes of a class."""

    def __init__(
        self, predictor: nn.Module, groups: Sequence[AttributeEncoder], classes: int
    ) -> None:
        posterior = Posterior(groups)
        super().__init__(classes, len(posterior.attribute_of))
        self.predictor = predictor
        self.posterior = posterior

    def embed_inputs(self, features: Tensor) -> Tensor:
        facets: Tensor = self.posterior(self.predictor(features))
        return facets

    def embed_classes(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return self.posterior.embed_classes(signatures), signatures.new_zeros(len(signatures))
