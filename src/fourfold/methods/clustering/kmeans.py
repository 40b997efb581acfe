"""k-means: clusters by distance alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.data.rows import SparseRows
from fourfold.estimators.contracts import Needs
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.clustering._clusterer import Clusterer
from fourfold.networks.mlp import Mlp
from fourfold.networks.normalized_counts import NormalizedCounts

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model

__all__ = ["KMeansClustering"]


@final
class KMeansClustering(Clusterer):
    """Put rows into the clusters of the nearest means, by scikit-learn.

    Sparse rows, which are counts, are brought to unit length first, so that long ones do not stand
    alone.

    Parameters
    ----------
    starts
        How often the means are drawn anew, by k-means++; the best counts.

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

    starts: PositiveInt = 10

    def last_layer(self, width: int) -> nn.Module:
        return nn.Linear(width, self.task_.n_outputs)

    def _cluster(self, job: Job) -> Model:
        counts = isinstance(job.target.rows, SparseRows)
        self.builder_ = (
            NormalizedCounts(norm="l2") if counts else Mlp(hidden_layer_sizes=())
        )  # the inputs, flattened
        model = job.model(job.body())
        features = in_blocks(model.body, job.target.rows).astype(np.float64)
        found = KMeans(self.n_clusters, n_init=self.starts, random_state=self.random_state)
        means = torch.from_numpy(found.fit(features).cluster_centers_)
        weights = {"weight": means, "bias": -means.square().sum(1) / 2}  # ‖x − c‖² but for ‖x‖²
        model.head.load_state_dict({name: value.float() for name, value in weights.items()})
        return model
