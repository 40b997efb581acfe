"""Pools know which rows may be picked next."""

from __future__ import annotations

import numpy as np

from fourfold.picking.pool import Picking, Pool


def pool(labelled, alike=None, groups=None):
    n = len(labelled)
    return Pool(
        np.array(labelled, bool),
        np.arange(n) if alike is None else np.array(alike),
        None if groups is None else np.array(groups),
    )


def test_rows_that_equal_a_labelled_one_are_not_free():
    known = pool([1, 0, 0, 0], alike=[7, 7, 3, 3])
    assert known.free.tolist() == [False, False, True, True]
    assert known.n_free == 1


def test_equal_rows_are_picked_once():
    picking = Picking(pool([0, 0, 0], alike=[1, 0, 1]))
    picking.take(0)
    assert picking.free.tolist() == [False, True, False]
    assert picking.covered.tolist() == [True, False, False]


def test_groups_take_turns_and_labels_count():
    picking = Picking(pool([1, 0, 0, 0, 0, 0], groups=[0, 0, 0, 1, 1, 2]))
    assert np.flatnonzero(picking.open).tolist() == [3, 4, 5]
    picking.take(3)
    assert np.flatnonzero(picking.open).tolist() == [5]
    picking.take(5)
    assert np.flatnonzero(picking.open).tolist() == [1, 2, 4]
