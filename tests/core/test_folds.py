"""Folds hold every class, and no row twice."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.core.folds import count_folds, make_folds, make_splits


@pytest.mark.parametrize(
    ("y", "stratified", "wanted"),
    [
        ([0, 0, 0, 1, 1, 1], True, 3),
        ([0, 0, 0, 0, 1, 1], True, 2),
        ([0, 0, 0, 0, 0, 1], True, 0),
        ([0, 0, 0, 1, 1, 1, 2], True, 3),
        ([0, 0, 0, 1, 1, 2], True, 2),
        ([0, 1, 2], True, 0),
        ([], True, 0),
        ([0.1, 0.2, 0.3, 0.4], False, 2),
        ([0.1, 0.2, 0.3], False, 0),
    ],
)
def test_as_many_as_the_rarest_class_allows(y, stratified, wanted):
    assert count_folds(np.array(y), 3, stratified=stratified) == wanted


@pytest.mark.parametrize("stratified", [True, False])
def test_they_part_the_rows(stratified):
    y = np.arange(23) % 4
    folds = make_folds(y, 3, 5, stratified=stratified)
    assert sorted(np.concatenate(folds)) == list(range(23))
    assert [len(part) for part in folds] == [
        len(p) for p in make_folds(y, 3, 6, stratified=stratified)
    ]
    if stratified:
        assert all(set(y[part]) == {0, 1, 2, 3} for part in folds)


@pytest.mark.parametrize("stratified", [True, False])
def test_training_rows_are_the_rows_of_the_other_folds(stratified):
    y = np.arange(23) % 4
    splits = make_splits(y, 3, 5, stratified=stratified)
    for (training, held_out), fold in zip(
        splits, make_folds(y, 3, 5, stratified=stratified), strict=True
    ):
        assert held_out.tolist() == fold.tolist()
        assert sorted([*training, *held_out]) == list(range(23))


def test_folds_of_some_rows_hold_every_class():
    y = np.arange(60) % 3
    splits = make_splits(y, 2, 0, stratified=True, max_rows=30)
    rows = np.concatenate([held_out for _, held_out in splits])
    assert len(rows) == len(set(rows)) == 30
    for training, held_out in splits:
        assert set(y[training]) == set(y[held_out]) == {0, 1, 2}
        assert set(training) | set(held_out) == set(rows)
    again = make_splits(y, 2, 0, stratified=True, max_rows=30)
    assert [held_out.tolist() for _, held_out in again] == [h.tolist() for _, h in splits]


def test_all_rows_are_used_where_a_class_is_too_rare_among_some():
    y = np.array([0] * 57 + [1] * 3)
    rows = np.concatenate([h for _, h in make_splits(y, 3, 0, stratified=True, max_rows=10)])
    assert sorted(rows) == list(range(60))


@pytest.mark.parametrize("max_rows", [None, 12])
def test_a_class_with_a_single_label_is_learnt_from_in_every_fold(max_rows):
    y = np.r_[np.arange(20) % 2, 7]
    for training, held_out in make_splits(y, 3, 0, stratified=True, max_rows=max_rows):
        assert 20 in training
        assert set(y[held_out]) == {0, 1}
        assert not set(training) & set(held_out)
