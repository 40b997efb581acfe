"""Held-out counts: splits, their information, and the weight that they choose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from fourfold.algorithms.clustering.counts import Counts, information
from fourfold.algorithms.clustering.search import (
    best_weight,
    held_out_by_weight,
    held_out_information,
    split_counts,
)


@pytest.mark.parametrize("whole", [True, False])
def test_splits_add_up_and_leave_no_row_empty(whole):
    random = np.random.default_rng(0)
    x = random.poisson(0.6, (200, 8)).astype(float)
    x[:, 0] += 1
    x = x if whole else x * random.random(x.shape)
    seen, hidden = split_counts(sparse.csr_matrix(x), 0.25, random)
    assert np.allclose((seen + hidden).toarray(), x)
    assert (seen.sum(axis=1) > 0).all()
    assert seen.data.min() > 0
    assert 0.1 < hidden.sum() / x.sum() < 0.3


def test_information_of_the_same_shares_is_the_mutual_information():
    joint = np.array([[400.0, 100], [100, 400]]) * 1e6
    rows = np.array([0, 1])
    found = held_out_information(joint, np.array([[4.0, 1], [1, 4]]), rows, 10)
    assert abs(found - information(joint)) < 1e-6


def test_clusters_that_follow_noise_keep_less_than_none():
    joint = np.array([[50.0, 0], [0, 50]])
    assert held_out_information(joint, np.full((2, 2), 5.0), np.array([0, 1]), 20) < 0


def test_the_first_weight_is_taken_where_none_keeps_any():
    assert best_weight([1.0, 10.0], [-0.3, -0.1]) == 1
    assert best_weight([1.0, 10.0], [0.1, 0.2]) == 10
    assert best_weight([1.0, 10.0], [0.2, 0.1]) == 1


def test_rows_of_one_count_hold_out_nothing():
    table = Counts(np.eye(4))
    assert held_out_by_weight(table, table, [2, 2, 3], seed=0) == [0.0, 0.0, 0.0]
