"""Baseline: k-means, by distance alone."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.clustering.kmeans import k_means, nearest_mean
from fourfold.data.rows import SparseRows
from fourfold.methods.clustering._clusters import Clusters, fewer_than_asked
from fourfold.methods.kit import Fitted, Flat, Needs, PositiveInt, Problem, Task
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

    n_init: PositiveInt = 10

    renamed: ClassVar[dict[str, str]] = {"starts": "n_init"}

    def build_head(self, task: Task, width: int) -> nn.Module:
        return nn.Linear(width, task.n_outputs)

    def _cluster(self, problem: Problem) -> Fitted:
        rows = problem.target.rows
        counts = isinstance(rows, SparseRows)
        model = problem.model(problem.body(NormalizedCounts(norm="l2") if counts else Flat()))
        features = model.embed(rows).astype(np.float64)
        means = k_means(features, self.n_clusters, n_init=self.n_init, seed=problem.seed)
        weights, biases = nearest_mean(means.centres, self.n_clusters)
        head = {"weight": torch.from_numpy(weights), "bias": torch.from_numpy(biases)}
        model.head.load_state_dict({name: value.float() for name, value in head.items()})
        return Fitted(model, findings=fewer_than_asked(means, self.n_clusters))
