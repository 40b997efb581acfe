"""Spectral co-clustering."""

from __future__ import annotations

from sklearn.cluster import SpectralCoclustering
from sklearn.metrics import normalized_mutual_info_score

from digit_pairs import pair
from fourfold.methods.clustering.spectral import SpectralCoClustering


def test_spectral_clusters_are_scikit_learns():
    for a, b in ((0, 1), (0, 6), (4, 7), (3, 9)):
        X, *_ = pair(a, b, n=60)
        X = X[:, X.sum(axis=0) > 0]
        theirs = SpectralCoclustering(2, n_init=10, random_state=0).fit(X)
        ours = SpectralCoClustering().fit(X)
        assert normalized_mutual_info_score(theirs.row_labels_, ours.labels_) > 0.99
