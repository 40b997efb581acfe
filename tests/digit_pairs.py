"""Small data for tests of clusterers: pairs of real digits, and planted topics."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits

from fourfold import Domain
from fourfold.methods.clustering.coclustering import CoClustering
from fourfold.methods.clustering.kmeans import KMeansClustering
from fourfold.methods.clustering.latent_kmeans import LatentKMeans
from fourfold.methods.clustering.self_taught import SelfTaughtClustering
from fourfold.methods.clustering.spectral import SpectralCoClustering

ALL = (SelfTaughtClustering, LatentKMeans, CoClustering, KMeansClustering, SpectralCoClustering)
COUNTING = (SelfTaughtClustering, CoClustering, SpectralCoClustering)


@cache
def digits():
    """Read pictures of digits (1797, 8, 8) and their classes."""
    found = load_digits()
    return found.images, found.target


def pair(a, b, n=12, seed=0):
    """Draw n of each of two digits, others of the same, and 120 other digits: pixels as counts."""
    images, y = digits()
    random = np.random.default_rng(seed)
    own = [random.permutation(np.flatnonzero(digit == y)) for digit in (a, b)]
    target, new = (np.concatenate([p[part] for p in own]) for part in (slice(n), slice(n, None)))
    rest = random.permutation(np.flatnonzero(~np.isin(y, (a, b))))[:120]
    pixels = images.reshape(len(images), -1)
    return pixels[target], y[target], pixels[new], y[new], pixels[rest]


def fitted(method, X, source, **parameters):
    """Fit a clusterer with few draws and λ = 1, beside a source."""
    if method in {SelfTaughtClustering, CoClustering}:
        parameters = {"n_init": 2, "restarts": 3, **parameters}
    if method is SelfTaughtClustering:
        parameters = {"lambda_": 1.0, **parameters}
    return method(**parameters).fit(X, source=Domain(source))


def topics(seed, n=20, words=6, vocabulary=120, auxiliary=300, auxiliary_words=15):
    """Plant two topics with words of their own, of which a target's row holds few.

    Returns
    -------
    tuple
        (n, 2 · vocabulary) target counts, their (n,) topics, and auxiliary counts.
    """
    random = np.random.default_rng(seed)

    def rows(labels, length):
        drawn = [topic * vocabulary + random.integers(vocabulary, size=length) for topic in labels]
        return sparse.csr_array([np.bincount(row, minlength=2 * vocabulary) for row in drawn])

    y = np.arange(n) % 2
    return rows(y, words), y, rows(np.arange(auxiliary) % 2, auxiliary_words)
