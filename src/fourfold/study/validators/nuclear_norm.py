"""Batch nuclear norm: sure predictions of many classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fourfold.core.tasks import Classification

__all__ = ["nuclear_norm"]


def nuclear_norm(task: Classification, outputs: Any) -> float:
    """Compute the nuclear norm of the probabilities (n, k), as a share of the largest possible one.

    References
    ----------
    Cui et al., Towards Discriminability and Diversity: Batch Nuclear-Norm Maximization Under Label
    Insufficient Situations, CVPR 2020.
    """
    p = task.probabilities(outputs).astype(np.float64)
    return float(np.linalg.norm(p, "nuc") / np.sqrt(min(p.shape) * len(p)))
