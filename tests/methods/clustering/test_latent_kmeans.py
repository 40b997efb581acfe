"""k-means in latent coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import normalize

from digit_pairs import fitted, pair
from fourfold import Domain
from fourfold.algorithms.clustering.latent import components, depth, unit_coordinates
from fourfold.methods.clustering.latent_kmeans import LatentKMeans


def planted(seed, n=24, length=12, vocabulary=60, auxiliary=240):
    """Plant three topics, of whose words half of a row's are."""
    random = np.random.default_rng(seed)

    def rows(labels):
        words = [
            np.where(
                random.random(length) < 0.6,
                topic * vocabulary + random.integers(vocabulary, size=length),
                random.integers(3 * vocabulary, size=length),
            )
            for topic in labels
        ]
        return sparse.csr_array([np.bincount(row, minlength=3 * vocabulary) for row in words])

    return rows(np.arange(n) % 3), np.arange(n) % 3, rows(np.arange(auxiliary) % 3)


def test_coordinates_of_the_auxiliary_data_find_topics():
    """Alone, rows of the target share too few words."""
    with_, without = [], []
    for seed in range(6):
        X, y, beside = planted(seed)
        for source, found in ((beside, with_), (X, without)):
            model = LatentKMeans(n_clusters=3, n_components=3).fit(X, source=Domain(source))
            found.append(model.score(X, y))
    assert np.mean(with_) > 0.6
    assert np.mean(with_) > np.mean(without) + 0.2


def test_directions_are_those_of_a_full_decomposition():
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(30, 12)), random.normal(size=(80, 12)) * np.arange(12)
    found = components([X, Y], 4, terms=False, seed=0)
    whole = np.vstack([X / 30**0.25, Y / 80**0.25])
    wanted = np.linalg.svd(whole, full_matrices=False)[2][:4]
    assert np.allclose(np.abs(np.sum(found * wanted, axis=1)), 1, atol=1e-4)


def test_terms_weigh_less_the_more_rows_hold_them():
    counts = sparse.csr_matrix([[9, 1, 0], [9, 0, 1], [9, 1, 0], [9, 0, 0]], dtype=float)
    found = components([counts], 3, terms=True, seed=0)
    everywhere, rare = np.linalg.norm(found, axis=0)[[0, 2]]
    assert rare > everywhere
    assert np.allclose(np.linalg.norm(unit_coordinates(counts, found, terms=True), axis=1), 1)


def test_a_model_is_the_same_as_its_equations():
    X, _, new, _, rest = pair(0, 6)
    sparse_ = sparse.csr_array(X)
    model = fitted(LatentKMeans, sparse_, sparse.csr_array(rest))
    tables = [sparse.csr_matrix(x, dtype=float) for x in (X, rest)]
    directions = components(tables, depth(2), terms=True, seed=0)
    places = normalize(np.log1p(new) @ directions.T)
    means = [
        unit_coordinates(tables[0], directions, terms=True)[model.labels_ == i].mean(axis=0)
        for i in (0, 1)
    ]
    distance = ((places[:, None] - np.array(means)) ** 2).sum(axis=2)
    clear = np.abs(np.diff(distance, axis=1)).ravel() > 1e-4
    assert np.array_equal(model.predict(new)[clear], distance.argmin(axis=1)[clear])


@pytest.mark.parametrize("rows", [1, 3])
def test_few_rows_have_few_coordinates(rows):
    X, _, _, _, rest = pair(0, 6)
    model = fitted(LatentKMeans, X[:rows], rest[:1], n_clusters=1)
    assert model.model_.body.width == rows + 1
