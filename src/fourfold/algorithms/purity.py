"""Entropy of true classes inside clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import entropy
from sklearn.metrics.cluster import contingency_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cluster_entropy"]


def cluster_entropy(y: NDArray[Any], clusters: NDArray[Any]) -> float:
    """Return the entropy of the true classes inside the clusters, averaged over rows, in bits.

    It is 0 where each cluster is of one class; lower is better.

    Parameters
    ----------
    y
        (n,) true classes.
    clusters
        (n,) the cluster of each row.

    Examples
    --------
    >>> import numpy as np
    >>> cluster_entropy(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    0.0
    >>> cluster_entropy(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    1.0
    """
    counts = contingency_matrix(clusters, y)
    weights = counts.sum(axis=1) / len(y)
    return float((weights * entropy(counts, base=2, axis=1)).sum())
