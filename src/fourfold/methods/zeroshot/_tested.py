"""Attributes predicted for held-out classes, and the trust that they justify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import nn

from fourfold.frozen.blocks import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.zeroshot.attribute_posterior import Posterior, Prior
    from fourfold.methods.zeroshot._seen import SeenData
    from fourfold.networks.builder import Body

    Array = NDArray[np.float64]

__all__ = ["HeldOutPredictions", "choose_trust", "class_weights", "predict_attributes"]

TRUSTS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
UNTESTED: Final = 0.5
"""The trust where there are too few classes to hold any out."""


def class_weights(codes: NDArray[np.int64]) -> Array:
    """Return weights (n,) that balance the classes."""
    return 1.0 / np.bincount(codes)[codes]


class HeldOutPredictions(NamedTuple):
    """Predicted attributes of rows (n, m), weights of the rows, and true attributes."""

    predicted: Array
    weight: Array
    y: NDArray[np.int64]
    signatures: NDArray[np.float32]

    @property
    def true(self) -> Array:
        """True attributes of the rows, (n, m)."""
        return self.signatures[self.y].astype(np.float64)

    @classmethod
    def joined(cls, parts: Sequence[HeldOutPredictions]) -> HeldOutPredictions:
        """Concatenate several."""
        starts = np.cumsum([0, *(len(part.signatures) for part in parts)])
        codes = [part.y + start for part, start in zip(parts, starts, strict=False)]
        predicted, weight, _, signatures = zip(*parts, strict=True)
        return cls(
            np.concatenate(predicted),
            np.concatenate(weight),
            np.concatenate(codes),
            np.concatenate(signatures),
        )


def predict_attributes(body: Body, predictor: nn.Module, seen: SeenData) -> HeldOutPredictions:
    """Predict the attributes of rows, with balanced classes."""
    predicted = in_blocks(nn.Sequential(body, predictor), seen.data.rows).astype(np.float64)
    y = seen.data.y.numpy()
    return HeldOutPredictions(predicted, class_weights(y), y, seen.signatures.numpy())


def choose_trust(posterior: Posterior, prior: Prior, tested: Sequence[HeldOutPredictions]) -> float:
    """Return the trust with the largest accuracy on held-out classes."""
    if not tested:
        return UNTESTED
    known = HeldOutPredictions.joined(tested)
    rates = np.zeros(len(TRUSTS))
    for i, trust in enumerate(TRUSTS):
        posterior.calibrate(prior, trust, known.predicted, known.true, known.weight)
        for part in tested:
            labels = posterior.embed_classes(torch.from_numpy(part.signatures)).double()
            scores = posterior(torch.from_numpy(part.predicted).float()).double() @ labels.T
            rates[i] += balanced_accuracy_score(part.y, scores.argmax(1).numpy())
    best = np.flatnonzero(rates == rates.max())
    return TRUSTS[best[len(best) // 2]]  # in the middle of equally good ones
