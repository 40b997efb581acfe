"""k-means of points that coincide, exactly or but for rounding."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.algorithms.clustering.kmeans import k_means, nearest_mean


@pytest.mark.parametrize("rounding", [0.0, 1e-17, 1e-14, 1e-11])
def test_few_distinct_points_are_clusters_of_their_own(rounding):
    """No library warns, whatever the last bits are."""
    random = np.random.default_rng(0)
    points = np.repeat(random.normal(size=(6, 3)), 5, axis=0)
    points += rounding * random.normal(size=points.shape)
    found = k_means(points, 8, seed=0)
    assert [len(set(found.labels[i : i + 5])) for i in range(0, 30, 5)] == [1] * 6
    assert len(set(found.labels)) == len(found.centres) == 6


def test_means_that_lose_their_points_are_left_out():
    """Points of no spread but in one place, weighted, still come out in at most k clusters."""
    points = np.concatenate([np.zeros(20), 1e-8 * np.arange(20), [1.0]])[:, None]
    found = k_means(points, 12, seed=0, weights=np.ones(len(points)))
    assert len(found.centres) == found.labels.max() + 1 <= 12


def test_the_largest_score_is_the_nearest_centre():
    random = np.random.default_rng(1)
    centres, points = random.normal(size=(3, 4)), random.normal(size=(50, 4))
    weights, biases = nearest_mean(centres, 5)
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal((points @ weights.T + biases).argmax(axis=1), nearest)
