"""TypiClust: the most typical row of each of the largest clusters without a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.neighbors import NearestNeighbors

from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.errors import counted
from fourfold.picking.pool import Pick, Picking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.picking.features import Points
    from fourfold.picking.pool import Pool

__all__ = ["typicality", "typiclust"]

NEIGHBOURS: Final = 20
"""Neighbours by which a row is typical."""
MOST_CLUSTERS: Final = 500
SMALL: Final = 5
"""Rows from which on a cluster is none of outliers."""


def typiclust(points: Points, pool: Pool, n: int, seed: int) -> Iterator[Pick]:
    """Pick n rows that are typical and diverse; labelled rows cover their clusters.

    k-means finds as many clusters as there will be labels. The largest of the clusters with the
    fewest labels gives its row of highest typicality, and so on. Clusters of fewer than five rows
    come after all others with as few labels; the paper leaves them out.

    References
    ----------
    Hacohen, Dekel & Weinshall, Active Learning on a Budget: Opposite Strategies Suit High and Low
    Budgets, ICML 2022.
    """
    picking = Picking(pool)
    k = min(n + int(picking.covered.sum()), MOST_CLUSTERS)
    clusters = k_means(points, k, seed=seed, n_init=3).labels
    sizes = np.bincount(clusters)
    typical: dict[int, NDArray[np.float64]] = {}
    for _ in range(n):
        open_ = picking.open
        labels = np.bincount(clusters[picking.covered], minlength=len(sizes))
        left = np.unique(clusters[open_])
        order = np.lexsort((-sizes[left], sizes[left] < SMALL, labels[left]))
        cluster = int(left[order[0]])
        inside = np.flatnonzero(clusters == cluster)
        if cluster not in typical:
            typical[cluster] = typicality(points[inside])
        row = int(inside[np.where(open_[inside], typical[cluster], -1).argmax()])
        picking.take(row)
        yield Pick(row, f"typical of {counted(len(inside), 'row')}")


def typicality(points: Points) -> NDArray[np.float64]:
    """Return the inverse of each point's mean distance to its 20 nearest others, (n,).

    Few points have fewer neighbours, at most half of them.

    Examples
    --------
    >>> import numpy as np
    >>> typicality(np.array([[0.0], [1.0], [3.0]])).round(2)
    array([1. , 1. , 0.5])
    """
    if len(points) < 2:
        return np.ones(len(points))
    neighbours = min(NEIGHBOURS, max(1, len(points) // 2))
    near = NearestNeighbors(n_neighbors=neighbours).fit(points)
    distances, _ = near.kneighbors()
    return np.asarray(1 / np.maximum(distances.mean(axis=1), 1e-9), np.float64)
