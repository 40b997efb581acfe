"""Baseline: spectral co-clustering of rows and features."""

from __future__ import annotations

import math
from typing import ClassVar, final

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.clustering.counts import Counts
from fourfold.algorithms.clustering.kmeans import k_means, nearest_mean
from fourfold.algorithms.clustering.latent import spectral_coordinates
from fourfold.methods.clustering._clusters import fewer_than_asked
from fourfold.methods.clustering._counts import ClustersCounts, counts_of, share_body
from fourfold.methods.kit import Fitted, Model, Needs, PositiveInt, Problem, Task

__all__ = ["SpectralCoClustering"]


@final
class SpectralCoClustering(ClustersCounts):
    """Cut rows and features, as the two sides of a graph, where the fewest counts are cut.

    k-means over rows and features together, at their places in the singular vectors of the counts,
    both sides normalized. A new row is placed by the features that it holds.

    Parameters
    ----------
    n_init
        Number of starts of k-means by k-means++; the best one counts.

    References
    ----------
    Dhillon, Co-clustering Documents and Words Using Bipartite Spectral Graph Partitioning, KDD
    2001.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> SpectralCoClustering().fit(X).score(X, y) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(target_labels=False)
    uses_source: ClassVar[bool] = False

    n_init: PositiveInt = 10

    renamed: ClassVar[dict[str, str]] = {"starts": "n_init"}

    def build_head(self, task: Task, width: int) -> nn.Module:
        depth = self._depth
        return nn.Sequential(nn.Linear(width, depth, bias=False), nn.Linear(depth, task.n_outputs))

    @property
    def _depth(self) -> int:
        return max(1, math.ceil(math.log2(self.n_clusters)))

    def _cluster(self, problem: Problem) -> Fitted:
        body = share_body(problem, self.codebook)
        counts = Counts(counts_of(body, problem.target.rows), "the target").by_row
        depth = self._depth
        found = spectral_coordinates(counts, depth, np.random.default_rng(problem.seed))
        there = np.asarray(counts.sum(axis=0)).ravel() > 0
        places = np.vstack([found.rows, found.features[there]])
        places = np.pad(places, ((0, 0), (0, depth - places.shape[1])))
        means = k_means(places, self.n_clusters, n_init=self.n_init, seed=problem.seed)
        # D_r^-½ U = D_r^-1 A D_z^-½ V Σ^-1: a row's place is a linear function of its shares
        used = np.where(found.values > 1e-9, 1 / np.maximum(found.values, 1e-9), 0.0)
        project = np.pad(found.features * used, ((0, 0), (0, depth - len(used)))).T
        # scaled so that rows have size 1, for float32
        scale = 1 / max(np.abs(found.rows).max(initial=0.0), 1e-30)
        project = project * scale
        weights, biases = nearest_mean(means.centres * scale, self.n_clusters)
        head = problem.head(body.width)
        found_head = {"0.weight": project, "1.weight": weights, "1.bias": biases}
        head.load_state_dict({name: torch.from_numpy(value) for name, value in found_head.items()})
        return Fitted(Model(body, head), findings=fewer_than_asked(means, self.n_clusters))
