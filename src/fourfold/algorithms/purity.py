"""How well clusters match true classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import entropy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cluster_entropy"]


def cluster_entropy(y: NDArray[Any], clusters: NDArray[Any]) -> float:
    """Entropy of the true classes inside the clusters, each weighted by its rows; lower is better.

    Parameters
    ----------
    y
        (n,) true classes.
    clusters
        (n,) the cluster of each row.

    Returns
    -------
    float
        In bits: 0 where each cluster is of one class.

    Examples
    --------
    >>> import numpy as np
    >>> cluster_entropy(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    0.0
    >>> cluster_entropy(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    1.0
    """
    true = np.unique(y, return_inverse=True)[1]
    found = np.unique(clusters, return_inverse=True)[1]
    counts = np.zeros((found.max() + 1, true.max() + 1))
    np.add.at(counts, (found, true), 1)
    weights = counts.sum(axis=1) / len(true)
    return float((weights * entropy(counts, base=2, axis=1)).sum())
