"""Splits: what is held out, and what is left to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Classification, Domain, Regression
from fourfold.core.tasks import Clustering
from fourfold.study.running.outcomes import Outcome
from fourfold.study.scores import SCORES, Stability
from fourfold.study.splits import Halves, HiddenLabels, count_splits

X = np.arange(24.0).reshape(12, 2)
Y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 1, -1, -1])


def test_hidden_labels_are_each_labelled_row_once_classes_in_proportion():
    target = Domain(X, Y)
    splits = HiddenLabels([], target, Classification().fit(target), 5)
    parts = splits.parts(0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))
    for part in parts:
        split = splits.apply(part)
        assert sorted(splits.truth(part).tolist()) == [0, 1]
        assert not split.target.labelled[part].any()
        assert split.target.n_labelled == 8
        assert split.asked.n_rows == 2


def test_no_fold_is_left_of_a_class_with_one_label():
    labels = Domain(X, np.r_[np.zeros(11, int), 1])
    assert count_splits(Classification().fit(labels), labels, 3) == 0
    assert HiddenLabels([], labels, Classification().fit(labels), 0).parts(0) == []
    numbers = Domain(X, X[:, 0] + 0.5)
    assert count_splits(Regression().fit(numbers), numbers, 3) == 3
    assert count_splits(Classification(), Domain(X), 3) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_halves_are_compared_on_all_rows(seed):
    target = Domain(X)
    splits = Halves([], target)
    one, other = splits.parts(seed)
    assert sorted([*one, *other]) == list(range(12))
    assert splits.apply(one).target.n_rows == 6
    assert splits.apply(one).asked is target
    task = Clustering(n_clusters=2).fit(target)
    half = np.eye(2, dtype=np.float32)[np.arange(12) % 2]
    swapped = half[:, ::-1]
    outcomes = [
        Outcome("M", seed, i, held, task, {"held": outputs}, 0.0, [])
        for i, (held, outputs) in enumerate(((one, half), (other, swapped)))
    ]
    assert splits.rate(Stability(), outcomes) == [1.0]


def test_answers_are_rated_on_what_was_held_out():
    target = Domain(X, Y)
    task = Classification().fit(target)
    splits = HiddenLabels([], target, task, 2)
    held = np.array([0, 4])
    outputs = {"held": np.eye(2, dtype=np.float32)}
    right = Outcome("M", 0, 0, held, task, outputs, 0.0, [])
    wrong = Outcome("M", 0, 1, held[::-1], task, outputs, 0.0, [])
    assert splits.rate(SCORES["accuracy"], [right, wrong]) == [1.0, 0.0]
