"""ProbCover: rows whose surroundings cover the most others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import radius_neighbors_graph

from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.errors import counted
from fourfold.picking.pool import Pick, Picking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourfold.picking.features import Points
    from fourfold.picking.pool import Pool

__all__ = ["probcover", "pure_radius"]

PURITY: Final = 0.95
"""Least share of rows around which all others are of one cluster."""
ROUNDING: Final = 1e-6
"""Share of a radius below which distances are computed differently."""
SAMPLE: Final = 1000
"""Rows on which the radius is chosen, at most."""


def probcover(points: Points, pool: Pool, n: int, k: int, seed: int) -> Iterator[Pick]:
    """Pick n rows, each the one within whose radius most rows are that nothing covers yet.

    The radius is the largest with which rows are of one of k clusters with all rows around them.

    References
    ----------
    Yehuda, Dekel, Hacohen & Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022.
    """
    picking = Picking(pool)
    radius = pure_radius(points, k, seed)
    near = radius_neighbors_graph(points, radius, include_self=True)
    bare = np.ones(len(points), bool)
    bare[near[picking.covered].indices] = False
    for _ in range(n):
        gains = near @ bare.astype(np.float64)
        row = int(np.where(picking.open, gains, -1).argmax())
        bare[near[[row]].indices] = False
        picking.take(row)
        yield Pick(row, f"covers {counted(int(gains[row]), 'more row')}")


def pure_radius(points: Points, k: int, seed: int) -> float:
    """Return the largest radius with which at least 95 % of the balls lie in one of k clusters.

    It is chosen on up to 1,000 points, drawn at random.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[0.0], [0.5], [4.0], [4.5]])
    >>> 0.5 < pure_radius(points, 2, seed=0) < 4
    True
    """
    drawn = np.random.default_rng(seed).permutation(len(points))[:SAMPLE]
    labels = k_means(points, k, seed=seed, n_init=3).labels[drawn]
    apart = pairwise_distances(points[drawn])
    other = np.where(labels[:, None] == labels, np.inf, apart).min(axis=1)
    return float(np.quantile(other, 1 - PURITY, method="lower")) * (1 - ROUNDING)
