"""Disagreement picks diverse rows where votes are divided, balanced by the predicted class."""

from __future__ import annotations

import numpy as np

from fourfold.picking.committee import Votes
from fourfold.picking.disagreement import balanced, disagreement
from fourfold.picking.pool import Pool


def votes(disagreement, predicted):
    return Votes(np.array(disagreement, float), np.array(predicted), ("no", "yes"))


def picked(points, votes, n, labelled=(), **more):
    pool = Pool(np.isin(np.arange(len(points)), labelled), np.arange(len(points)), **more)
    return list(disagreement(points, pool, votes, n, seed=0))


def test_rows_on_which_all_agree_are_left():
    points = np.arange(40.0)[:, None]
    divided = np.r_[np.zeros(30), np.ones(10)]
    rows = [pick.row for pick in picked(points, votes(divided, [0] * 40), 3)]
    assert min(rows) >= 30
    assert np.ptp(rows) >= 6  # spread over the ten


def test_labelled_rows_weigh_nothing():
    points = np.arange(20.0)[:, None]
    divided = np.r_[np.ones(10), np.full(10, 0.5)]
    rows = [pick.row for pick in picked(points, votes(divided, [0] * 20), 2, range(10))]
    assert min(rows) >= 10


def test_a_class_predicted_four_times_as_often_weighs_twice_as_much():
    known = votes(np.ones(50), np.repeat([0, 1], [40, 10]))
    weights = balanced(known, np.ones(50, bool))
    assert np.isclose(weights[:40].sum(), 2 * weights[40:].sum())
    assert np.isclose(weights.mean(), 1)


def test_reasons_name_class_and_disagreement():
    points = np.arange(4.0)[:, None]
    (pick,) = picked(points, votes([0, 0, 0.5, 0], [0, 0, 1, 0]), 1)
    assert pick == (2, "predicted yes, disagreement 0.50")


def test_few_distinct_points_are_enough():
    rows = [pick.row for pick in picked(np.zeros((5, 2)), votes([1] * 5, [0] * 5), 4)]
    assert len(set(rows)) == 4


def test_groups_take_turns():
    points = np.arange(6.0)[:, None]
    known = votes([1, 1, 1, 0.1, 0.1, 0.1], [0] * 6)
    rows = [pick.row for pick in picked(points, known, 2, groups=np.array([0, 0, 0, 1, 1, 1]))]
    assert sorted(row // 3 for row in rows) == [0, 1]
