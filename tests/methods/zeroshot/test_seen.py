"""Folds of the seen classes stand for unseen ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fourfold.data.rows import as_rows
from fourfold.estimators.inputs import Data
from fourfold.methods.zeroshot import _seen
from fourfold.methods.zeroshot._seen import SeenData


def seen_data(classes, rows=3):
    """Return rows that hold the number of their class, as do the signatures."""
    y = np.arange(classes * rows) % classes
    X = y[:, None].astype(np.float32)
    signatures = torch.arange(classes)[:, None].float()
    return SeenData(Data(as_rows(X), torch.from_numpy(y), np.ones(len(y), bool)), signatures)


def classes_of(seen):
    """Return the numbers of the classes, which rows and signatures must agree upon."""
    rows = seen.data.rows.take(np.arange(seen.data.rows.n))
    assert (rows == seen.signatures[seen.data.y].numpy()).all()
    return set(seen.signatures[:, 0].int().tolist())


@pytest.mark.parametrize(("classes", "held"), [(4, 2), (7, 2), (20, 4)])
def test_about_a_fifth_of_the_classes_is_held_out_and_at_least_two(classes, held):
    folds = list(seen_data(classes).class_folds(seed=0))
    assert len(folds) == min(5, classes // held)
    parts = [(classes_of(rest), classes_of(out)) for rest, out in folds]
    for (rest, out), fold in zip(parts, folds, strict=True):
        assert len(out) == held
        assert rest | out == set(range(classes))
        assert not rest & out
        assert not any(part.whole for part in fold)
    tested = [c for _, out in parts for c in out]
    assert len(tested) == len(set(tested))


def test_folds_hang_on_the_seed_and_are_no_more_than_asked_for():
    seen = seen_data(20)
    folds = [
        [classes_of(out) for _, out in seen.class_folds(seed, most)]
        for seed, most in ((0, 5), (0, 2), (1, 5))
    ]
    assert folds[0][:2] == folds[1]
    assert folds[0] != folds[2]
    assert list(seen.class_folds(0, 0)) == []


def test_three_classes_are_too_few_and_many_take_two_folds(monkeypatch):
    assert list(seen_data(3).class_folds(0)) == []
    assert seen_data(20).n_folds == 5
    monkeypatch.setattr(_seen, "MANY", 20)
    assert seen_data(20).n_folds == 2


def test_a_fifth_of_the_rows_is_held_out():
    seen = seen_data(5, rows=4)
    rest, held = seen.hold_rows(seed=0)
    assert (len(rest.data.y), len(held.y)) == (16, 4)
    assert sorted([*rest.data.y.tolist(), *held.y.tolist()]) == sorted(seen.data.y.tolist())
    assert seen.whole
    assert not rest.whole


@pytest.mark.parametrize("persons", [6, 1])
def test_no_person_is_learnt_from_and_judged(persons):
    seen = seen_data(8, rows=24)
    groups = np.arange(192) // 8 % persons
    seen = SeenData(replace(seen.data, groups=groups), seen.signatures)
    folds = list(seen.class_folds(seed=0))
    assert len(folds) == 4
    for rest, out in folds:
        learnt, kept = rest.hold_rows(0)
        assert set(rest.data.y.tolist()) == set(range(6))
        assert len(classes_of(out)) == 2
        parts = [set(part.groups) for part in (learnt.data, kept, out.data)]
        if persons > 1:
            assert sum(map(len, parts)) == len(set.union(*parts)) == persons
