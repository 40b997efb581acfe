"""ProbCover takes balls that cover the most, greedily."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import pairwise_distances

from fourfold.picking.pool import Pool
from fourfold.picking.probcover import probcover, pure_radius


def clusters():
    random = np.random.default_rng(0)
    which = np.repeat([0, 1, 2], [20, 50, 30])
    return random.normal(size=(100, 2)) / 4 + 10 * np.eye(3, 2)[which], which


def picked(points, n, k, labelled=()):
    pool = Pool(np.isin(np.arange(len(points)), labelled), np.arange(len(points)))
    return list(probcover(points, pool, n, k, seed=0))


def test_the_largest_cluster_comes_first_and_labels_cover_theirs():
    points, which = clusters()
    assert which[[pick.row for pick in picked(points, 3, 3)]].tolist() == [1, 2, 0]
    assert which[[pick.row for pick in picked(points, 2, 3, labelled=[40])]].tolist() == [2, 0]


def test_no_row_would_cover_more_at_its_turn():
    points, _ = clusters()
    radius = pure_radius(points, 3, seed=0)
    near, bare = pairwise_distances(points) <= radius, np.ones(100, bool)
    for pick in picked(points, 5, 3):
        gains = (near & bare).sum(axis=1)
        assert gains[pick.row] == gains.max()
        assert pick.why == f"covers {gains.max()} more row{'' if gains.max() == 1 else 's'}"
        bare &= ~near[pick.row]


def test_the_radius_is_the_largest_pure_one():
    points, which = clusters()
    apart = pairwise_distances(points)
    other = np.where(which[:, None] == which, np.inf, apart).min(axis=1)
    radius = pure_radius(points, 3, seed=0)
    assert (other > radius).mean() >= 0.95
    assert (other > radius * 1.001).mean() < 0.96
