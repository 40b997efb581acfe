"""Rejection: rows of no known class, by the entropy of a model's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from scipy.special import entr, softmax
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rejection", "fit_rejection", "two_means"]

SURE: Final = 8.0
"""Difference of log-odds of being unknown between the means of the two groups."""


@final
class Rejection(NamedTuple):
    """An output for rows of no known class: as large as the largest one where they begin.

    Attributes
    ----------
    threshold
        Entropy of the answers above which a row is unknown, as a share of the largest possible one.
    slope
        Rise of the output with the entropy.

    References
    ----------
    Liang, Hu & Feng, Do We Really Need to Access the Source Data? Source Hypothesis Transfer for
    Unsupervised Domain Adaptation, ICML 2020: the entropies are divided in two.
    """

    threshold: float
    slope: float

    def apply(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return outputs (n, k) of classes with that of unknown rows behind them, (n, k + 1)."""
        with torch.inference_mode():
            return np.asarray(self.module()(torch.from_numpy(outputs)).numpy())

    def module(self) -> nn.Module:
        """Return a module that computes :meth:`apply` in torch."""
        return _Rejecting(self)


def fit_rejection(outputs: NDArray[np.float32]) -> Rejection:
    """Divide rows of outputs (n, k) by their entropies in two groups, the known and the unknown."""
    p = softmax(outputs.astype(np.float64), axis=1)
    low, high = two_means(entr(p).sum(axis=1) / np.log(p.shape[1]))
    return Rejection((low + high) / 2, SURE / max(high - low, 1e-6))


def two_means(values: NDArray[Any]) -> tuple[float, float]:
    """Return the means of the two groups of numbers (n,) that have the least squared error."""
    x = np.sort(values.astype(np.float64))
    if len(x) < 2:
        return float(x.mean()), float(x.mean())
    first, n = np.cumsum(x)[:-1], np.arange(1, len(x))
    low, high = first / n, (x.sum() - first) / n[::-1]
    best = int((n * n[::-1] * (high - low) ** 2).argmax())
    return float(low[best]), float(high[best])


@final
class _Rejecting(nn.Module):
    """Outputs (B, k), and behind them that of unknown rows."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__()
        self.rejection = rejection

    def forward(self, outputs: Tensor) -> Tensor:
        logs = outputs.log_softmax(1)
        unsure = -(logs.exp() * logs).sum(1, keepdim=True) / np.log(outputs.shape[1])
        above = self.rejection.slope * (unsure - self.rejection.threshold)
        return torch.cat([outputs, outputs.amax(1, keepdim=True) + above], 1)
