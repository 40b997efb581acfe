"""Baseline: k-means, by distance alone."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import nn

from fourfold.data.rows import SparseRows
from fourfold.methods.clustering._clusters import Clusters
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
        found = KMeans(self.n_clusters, n_init=self.n_init, random_state=problem.seed)
        means = torch.from_numpy(found.fit(features).cluster_centers_)
        weights = {"weight": means, "bias": -means.square().sum(1) / 2}  # ‖x − c‖² but for ‖x‖²
        model.head.load_state_dict({name: value.float() for name, value in weights.items()})
        return Fitted(model)
