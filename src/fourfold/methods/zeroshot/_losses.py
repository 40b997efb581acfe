"""Losses of label embeddings: ranking hinges, and canonical correlation of a batch."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.linear import cholesky_whitened

__all__ = ["TINY", "Over", "correlation", "hinges"]

Over: TypeAlias = Literal["hardest", "all", "ranked"]

TINY: Final = 1e-6
"""Least penalty, so that equations can be solved."""


def hinges(scores: Tensor, y: Tensor, margin: float, over: Over) -> Tensor:
    """Return each row's loss, (B,), for scores (B, c) of all classes and true ones (B,)."""
    right = F.one_hot(y, scores.shape[1]).bool()
    violations = (margin + scores - scores[right][:, None]).clamp(min=0)
    violations = violations.masked_fill(right, 0.0)  # (B, c)
    if over == "hardest":
        return violations.max(1).values
    if over == "all":
        return violations.sum(1)
    rank = (violations > 0).sum(1)  # of the right class, its margin taken off
    harmonic = (1 / torch.arange(1, scores.shape[1] + 1, device=scores.device)).cumsum(0)
    weight = harmonic[(rank - 1).clamp(min=0)] / rank.clamp(min=1)
    return weight * violations.sum(1)


def correlation(a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """Return the sum of the canonical correlations of two views of a batch, (B, d) and (B, m)."""
    a, b = a - a.mean(0), b - b.mean(0)
    white = [cholesky_whitened(view, alpha) for view in (a, b)]
    correlations: Tensor = torch.linalg.svdvals(white[0].T @ white[1] / len(a))
    return correlations.sum()
