"""k-means with an answer for new rows."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

from fourfold.methods.clustering.kmeans import KMeansClustering


def test_clusters_are_scikit_learns():
    X = load_iris().data.astype(np.float32)
    theirs = KMeans(3, n_init=10, random_state=0).fit(X.astype(float))
    ours = KMeansClustering(n_clusters=3, prepare=None).fit(X)
    assert np.array_equal(ours.labels_, theirs.labels_)
