"""Folds hold every class, and no row twice."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.core.folds import count_folds, make_folds


@pytest.mark.parametrize(
    ("y", "stratified", "wanted"),
    [
        ([0, 0, 0, 1, 1, 1], True, 3),
        ([0, 0, 0, 0, 1, 1], True, 2),
        ([0, 0, 0, 0, 0, 1], True, 0),
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
