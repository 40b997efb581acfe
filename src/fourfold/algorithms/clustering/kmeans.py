"""k-means of points of which some may coincide."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["Means", "k_means", "nearest_mean"]

SAME: Final = 1e-9
"""Points nearer than this share of the largest coordinate are one: rounding is no distance."""
UNREACHED: Final = -1e30
"""The score of a cluster that holds no point."""


@final
class Means(NamedTuple):
    """Clusters of points, (n,) labels below k, and means (k', d) of those k' ≤ k with points."""

    labels: Labels
    centres: NDArray[np.floating[Any]]


def k_means(
    points: NDArray[np.floating[Any]],
    k: int,
    *,
    seed: int,
    n_init: int = 10,
    max_iter: int = 300,
    weights: Numbers | None = None,
) -> Means:
    """Cluster points around at most k means; few distinct points are clusters of their own.

    Points are (n, d), their weights (n,) > 0. First means are drawn ``n_init`` times by k-means++
    (Arthur & Vassilvitskii, 2007); the best clusters count.

    Examples
    --------
    >>> import numpy as np
    >>> k_means(np.array([[0.0], [2.0], [0.0]]), 3, seed=0).labels
    array([0, 1, 0])
    """
    step = SAME * max(float(np.abs(points).max(initial=0)), 1e-30)
    _, first, inverse = np.unique(
        np.rint(points / step), axis=0, return_index=True, return_inverse=True
    )
    if len(first) <= k:
        return Means(inverse.astype(np.intp), points[first])
    model = KMeans(k, n_init=n_init, max_iter=max_iter, random_state=seed)
    with warnings.catch_warnings():
        # points that differ by rounding alone may still leave means without any
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points, sample_weight=weights)
    used, labels = np.unique(model.labels_, return_inverse=True)
    return Means(labels.astype(np.intp), model.cluster_centers_[used])


def nearest_mean(centres: NDArray[np.floating[Any]], k: int) -> tuple[Numbers, Numbers]:
    """Return weights (k, d) and biases (k,) whose largest score x·w + b is the nearest centre's.

    ‖x − c‖² without ‖x‖² is linear. Clusters beyond the centres that there are get no row.
    """
    missing = k - len(centres)
    weights = np.pad(centres, ((0, missing), (0, 0)))
    biases = np.pad(-(centres**2).sum(axis=1) / 2, (0, missing), constant_values=UNREACHED)
    return weights, biases
