"""k-means: clusters by distance alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.clustering.kmeans import k_means, nearest_mean
from fourfold.core.parameters import PositiveInt
from fourfold.data.rows import SparseRows
from fourfold.estimators.contracts import Needs
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.clustering._clusterer import Clusterer, fewer_than_asked
from fourfold.networks.mlp import Mlp
from fourfold.networks.shares import Shares

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
    n_init
        Number of draws of the means, by k-means++; the best counts.

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

    def last_layer(self, width: int) -> nn.Module:
        return nn.Linear(width, self.task_.n_outputs)

    def _cluster(self, job: Job) -> Model:
        counts = isinstance(job.target.rows, SparseRows)
        self.builder_ = Shares(by="length") if counts else Mlp(widths=())  # the inputs, flattened
        model = job.model(job.body())
        features = in_blocks(model.body, job.target.rows).astype(np.float64)
        means = k_means(features, self.n_clusters, n_init=self.n_init, seed=self.random_state)
        weights, biases = nearest_mean(means.centres, self.n_clusters)
        head = {"weight": torch.from_numpy(weights), "bias": torch.from_numpy(biases)}
        model.head.load_state_dict({name: value.float() for name, value in head.items()})
        self.findings_ += fewer_than_asked(means, self.n_clusters)
        return model
