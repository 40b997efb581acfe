"""Co-clustering of one table."""

from __future__ import annotations

import numpy as np

from fourfold.methods.clustering.coclustering import CoClustering


def test_more_feature_clusters_than_features_are_as_many_as_there_are():
    target = np.array([[3, 1], [2, 1], [0, 4], [1, 5]])
    model = CoClustering(n_feature_clusters=50).fit(target)
    assert model.labels_.tolist() == [0, 0, 1, 1]
    assert sorted(model.feature_labels_) == [0, 1]
