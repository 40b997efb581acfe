"""Splits: what is held out, and what is left to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Classification, Domain, Regression
from fourfold.core.folds import make_folds
from fourfold.core.tasks import Clustering
from fourfold.study.running.outcomes import Outcome
from fourfold.study.scores import SCORES, Stability
from fourfold.study.splits import Halves, HiddenLabels

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
    none = HiddenLabels([], labels, Classification().fit(labels), 3)
    assert (none.count, none.parts(0)) == (0, [])
    numbers = Domain(X, X[:, 0] + 0.5)
    assert HiddenLabels([], numbers, Regression().fit(numbers), 3).count == 3
    assert HiddenLabels([], Domain(X), Classification(), 3).count == 0


def test_a_single_label_of_one_class_does_not_stop_the_others():
    target = Domain(X, ["a", "a", "b", "b", "a", "b", "a", "b", "rare", "rare", "b", "odd"])
    splits = HiddenLabels([], target, Classification().fit(target), 2)
    assert splits.count == 2
    for part in splits.parts(0):
        assert 11 not in part
        assert splits.apply(part).target.labelled[11]
    (said,) = splits.caveats()
    assert said.startswith("Of class 'odd' the target has a single label: it is learnt from")


def texts(*repeated):
    """Twelve texts, some of which repeat the first."""
    return ["text 0" if i in repeated else f"text {i}" for i in range(12)]


def test_equal_rows_are_held_out_together():
    target = Domain(texts(4, 10, 11), Y)  # rows 0 and 4 have labels, of two classes
    splits = HiddenLabels([], target, Classification().fit(target), 3)
    for seed in range(5):
        parts = splits.parts(seed)
        assert sorted(np.concatenate(parts).tolist()) == list(range(10))
        assert all(len({0, 4} & set(part.tolist())) != 1 for part in parts)


def test_rows_that_are_equal_by_chance_are_held_out_as_others():
    """In arrays and tables a tenth of the rows says nothing; of texts each is known by itself."""
    few = np.array([0, 0, 1, 1])
    rows = np.array([[0.0], [1.0], [2.0], [2.0]])
    assert HiddenLabels([], Domain(rows, few), Classification(), 2).count == 2
    words = Domain(["one", "two", "three", "three"], few)
    assert HiddenLabels([], words, Classification(), 2).count == 0
    rare = HiddenLabels(
        [Domain(np.arange(200.0).reshape(-1, 1))], Domain(rows, few), Classification(), 2
    )
    assert rare.count == 0


def test_data_without_equal_rows_are_split_as_ever():
    target = Domain(X, Y)
    parts = HiddenLabels([], target, Classification().fit(target), 3).parts(7)
    folds = make_folds(Y[:10], 3, 7, stratified=True)
    assert [part.tolist() for part in parts] == [fold.tolist() for fold in folds]


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


# --- groups and times ----------------------------------------------------------------------------

NAMES = np.array(list("aabbccddeeff"))


def hidden(target, sources=(), most=3):
    return HiddenLabels(sources, target, Classification().fit(target), most)


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_held_out_together_and_equal_rows_with_them(seed):
    splits = hidden(Domain(texts(4), Y, groups=NAMES))  # the text of row 0, group a, is also of c
    parts = splits.parts(seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))
    for part in parts:
        split = splits.apply(part)
        left = split.target.annotations.groups[split.target.labelled]
        assert not set(left) & set(NAMES[part])
        assert len({"a", "c"} & set(NAMES[part])) != 1
        assert split.target.n_rows == 12  # inputs of held-out rows are there


def test_a_source_lacks_held_out_groups():
    source = Domain(X + 100, np.arange(12) % 2, groups=np.array(list("aaaabbbbxxxx")))
    splits = hidden(Domain(X, Y, groups=NAMES), [source])
    for part in splits.parts(0):
        (left,) = splits.apply(part).sources
        assert not set(left.annotations.groups) & set(NAMES[part])
        assert left.n_rows == 12 - 4 * len({"a", "b"} & set(NAMES[part]))
    assert splits.caveats() == [
        (
            "2 of 5 groups of the target have rows in the source, too; these are left out of it "
            "where the group is held out, but not a whole class."
        )
    ]


def test_a_class_of_one_group_is_learnt_from_in_every_fold():
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1, 2, 2, -1, -1])
    splits = hidden(Domain(X, y, groups=NAMES))
    assert splits.count == 3
    for part in splits.parts(0):
        assert set(y[part]) == {0, 1}
        assert 2 in splits.apply(part).target.counts
    assert splits.caveats() == [
        (
            "All labels of class 2 are of one group: it is learnt from in every fold, and held out "
            "in none."
        )
    ]


def test_later_rows_are_not_learnt_from_not_even_their_inputs():
    time = np.arange(12.0)[::-1]
    splits = hidden(Domain(X, np.arange(12) % 2, time=time))
    assert splits.count == 3
    assert splits.parts(0)[0].tolist() == splits.parts(1)[0].tolist()
    for part in splits.parts(0):
        split = splits.apply(part)
        assert split.target.annotations.time.max() < split.asked.annotations.time.min()
    assert splits.share == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    differences = np.array([0.1, 0.2, 0.3, 0.3, 0.2, 0.1])
    assert splits.independent(differences) == pytest.approx([0.2, 0.2, 0.2])
    assert hidden(Domain(X, Y)).independent(differences) is differences


def test_groups_in_time_are_judged_late_and_others_learnt_early():
    groups, time = np.tile(np.arange(4), 10), np.repeat(np.arange(10.0), 4)
    rows = Domain(np.arange(80.0).reshape(40, 2), groups % 2, groups=groups, time=time)
    splits = hidden(rows, most=2)
    assert (splits.count, splits.forward) == (2, False)
    for part in splits.parts(0):
        split = splits.apply(part)
        assert split.target.annotations.time.max() < split.asked.annotations.time.min()
        assert not set(split.target.annotations.groups) & set(split.asked.annotations.groups)


@pytest.mark.parametrize("seed", [0, 1])
def test_halves_divide_no_group(seed):
    parts = Halves([], Domain(X, groups=NAMES)).parts(seed)
    assert sorted(np.concatenate(parts)) == list(range(12))
    assert {len(part) for part in parts} == {6}
    assert not set(NAMES[parts[0]]) & set(NAMES[parts[1]])
    one = Halves([], Domain(X, groups=["a"] * 12)).parts(seed)
    assert {len(part) for part in one} == {6}
