"""TypiClust finds the dense middle of each large cluster that has no label."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.picking.pool import Pool
from fourfold.picking.typiclust import typicality, typiclust


def blobs(*sizes):
    """Clusters of these sizes around (50 i, 0), far from each other."""
    random = np.random.default_rng(0)
    which = np.repeat(np.arange(len(sizes)), sizes)
    return np.array([50, 0]) * which[:, None] + random.normal(size=(len(which), 2)), which


def picked(points, n, labelled=()):
    known = np.isin(np.arange(len(points)), labelled)
    pool = Pool(known, np.arange(len(points)))
    return [pick.row for pick in typiclust(points, pool, n, seed=0)]


def test_each_cluster_gives_a_row_the_largest_first():
    points, which = blobs(30, 60, 40)
    assert which[picked(points, 3)].tolist() == [1, 2, 0]


def test_a_labelled_row_covers_its_cluster():
    points, which = blobs(30, 60, 40)
    assert which[picked(points, 2, labelled=[50])].tolist() == [2, 0]


def test_outliers_come_last():
    points, _ = blobs(1, 40, 40)
    assert picked(points, 3)[-1] == 0


def test_a_typical_row_lies_in_the_middle():
    points, _ = blobs(200)
    (row,) = picked(points, 1)
    away = np.linalg.norm(points - points.mean(axis=0), axis=1)
    assert away[row] < np.quantile(away, 0.25)


def test_equal_points_are_as_typical_as_can_be_and_no_error():
    assert typicality(np.zeros((4, 2))).tolist() == pytest.approx([1e9] * 4)
    assert len(picked(np.zeros((4, 2)), 3)) == 3


def test_the_reason_counts_the_cluster():
    points, _ = blobs(30, 60)
    pool = Pool(np.zeros(90, bool), np.arange(90))
    assert [pick.why for pick in typiclust(points, pool, 2, seed=0)] == [
        "typical of 60 rows",
        "typical of 30 rows",
    ]
