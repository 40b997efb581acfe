"""Disagreement: rows at the heart of regions in which models disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.picking.pool import Pick, Picking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourfold.picking.committee import Votes
    from fourfold.picking.features import Points
    from fourfold.picking.pool import Flags, Floats, Pool

__all__ = ["balanced", "disagreement"]


def disagreement(points: Points, pool: Pool, votes: Votes, n: int, seed: int) -> Iterator[Pick]:
    """Pick n diverse rows on which a committee disagrees, balanced by the predicted class.

    k-means divides the unlabelled rows into n clusters, in which a row weighs as much as the
    members disagree on it. Each cluster, heaviest first, gives its row nearest to the mean.

    References
    ----------
    Seung, Opper & Sompolinsky, Query by Committee, COLT 1992. Zhdanov, Diverse Mini-batch Active
    Learning, 2019 (weighted k-means).
    """
    picking = Picking(pool)
    weights = balanced(votes, picking.free)
    free = np.flatnonzero(picking.free)
    means = k_means(points[free], n, seed=seed, n_init=3, weights=weights[free])
    heaviest = np.argsort(-np.bincount(means.labels, weights[free]), kind="stable")
    for cluster in np.resize(heaviest, n):  # few distinct points have fewer clusters
        away = np.linalg.norm(points - means.centres[cluster], axis=1)
        row = int(np.where(picking.open, away, np.inf).argmin())
        picking.take(row)
        yield Pick(row, votes.reason(row))


def balanced(votes: Votes, free: Flags) -> Floats:
    """Return weights (n,) of rows by disagreement, over the root of their predicted class's sum.

    So a class that is predicted four times as often weighs twice as much. Weights are 1 on average
    over the free rows.
    """
    weights = votes.disagreement + 1e-9
    sums = np.bincount(votes.predicted[free], weights[free], minlength=len(votes.names))
    shares = weights / np.sqrt(np.maximum(sums[votes.predicted], 1e-12))
    return np.asarray(shares / shares[free].mean())
