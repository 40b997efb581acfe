"""Baseline: k-means, by distance alone."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.data.rows import SparseRows
from fourfold.methods.clustering._clusters import Clusters, around_means
from fourfold.methods.kit import Fitted, Flat, Needs, PositiveInt, Problem
from fourfold.networks.normalized_counts import NormalizedCounts

__all__ = ["KMeansClustering"]


@final
class KMeansClustering(Clusters):
    """Cluster rows by k-means.

    Sparse rows, which are counts, are brought to unit length first, so that long ones do not form
    clusters of their own.

    Parameters
    ----------
    n_init
        Number of starts by k-means++; the best one counts.

    References
    ----------
    Arthur & Vassilvitskii, k-means++: The Advantages of Careful Seeding, SODA 2007.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> KMeansClustering(n_clusters=3).fit(X).score(X, y) > 0.6
    True
    """

    needs: ClassVar[Needs] = Needs(target_labels=False)
    uses_source: ClassVar[bool] = False

    n_init: PositiveInt = 10

    renamed: ClassVar[dict[str, str]] = {"starts": "n_init"}

    def _cluster(self, problem: Problem) -> Fitted:
        counts = isinstance(problem.target.rows, SparseRows)
        model = problem.model(problem.body(NormalizedCounts(norm="l2") if counts else Flat()))
        return around_means(model, problem, self.n_clusters, self.n_init)
