"""Groups are never divided between folds, and what is judged comes after what is learnt."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.core.dependent_folds import divide_by_classes, hold_out_last, merge_groups
from fourfold.core.folds import count_folds, make_splits

RNG = np.random.default_rng(0)
PATIENTS = np.repeat(np.arange(12), 10)
OF_PATIENT = np.repeat(np.arange(12) % 2, 10)


def splits_of(y, most, seed=0, *, stratified=True, **beside):
    """Count the folds, and make them."""
    count = count_folds(y, most, stratified=stratified, **beside)
    return make_splits(y, count, seed, stratified=stratified, **beside) if count else []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stratified", [True, False])
def test_folds_are_parts_of_the_groups(stratified, seed):
    found = splits_of(OF_PATIENT, 3, seed, stratified=stratified, groups=PATIENTS)
    assert sorted(np.concatenate([held for _, held in found])) == list(range(120))
    for training, held in found:
        assert not set(PATIENTS[training]) & set(PATIENTS[held])
        assert len(training) + len(held) == 120
        if stratified:
            assert OF_PATIENT[held].mean() == pytest.approx(0.5)


def test_seeds_draw_other_folds():
    drawn = {
        tuple(sorted(set(PATIENTS[splits_of(OF_PATIENT, 3, seed, groups=PATIENTS)[0][1]])))
        for seed in range(9)
    }
    assert len(drawn) > 2


def test_folds_of_any_groups_learn_from_every_class_and_judge_something():
    for seed in range(30):
        random = np.random.default_rng(seed)
        n = int(random.integers(4, 40))
        y, groups = random.integers(0, random.integers(2, 6), n), random.integers(0, 8, n)
        time = random.integers(0, 9, n).astype(float)
        for beside in ({"groups": groups}, {"time": time}, {"groups": groups, "time": time}):
            for stratified in (True, False):
                found = splits_of(y, 4, seed, stratified=stratified, **beside)
                for training, held in found:
                    assert len(held) >= (1 if stratified else 2 - ("time" in beside))
                    assert len(training)
                    if "groups" in beside:
                        assert not set(groups[training]) & set(groups[held])
                    if "time" in beside:
                        assert time[training].max() < time[held].min()
                    if stratified and "time" not in beside:
                        assert set(y[training]) == set(y)
                    if stratified:
                        assert len(set(y[training])) > 1


@pytest.mark.parametrize(
    ("y", "groups", "most", "wanted"),
    [
        ([0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 2, 3], 3, 2),
        ([0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 0, 2], 3, 0),  # only one class can be held out
        ([0, 0, 1, 1], [0, 0, 0, 0], 3, 0),
        ([0, 1, 0, 1], [0, 0, 1, 1], 3, 2),
        ([0, 1, 0, 1, 2], [0, 0, 1, 1, 2], 3, 2),  # the third class is always learnt from
    ],
)
def test_as_many_folds_as_the_rarest_class_has_groups(y, groups, most, wanted):
    assert count_folds(np.array(y), most, stratified=True, groups=np.array(groups)) == wanted


def test_numbers_have_two_rows_in_each_fold():
    y = np.arange(6.0)
    counts = [
        count_folds(y, 3, stratified=False, groups=np.array(groups))
        for groups in ([0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 1], [0] * 6)
    ]
    assert counts == [3, 3, 0, 0]


def test_time_is_cut_into_blocks_each_learnt_from_those_before():
    time = RNG.permutation(12).astype(float)
    found = splits_of(np.arange(12.0), 3, stratified=False, time=time)
    assert [sorted(time[held]) for _, held in found] == [[3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert [len(training) for training, _ in found] == [3, 6, 9]


def test_rows_of_a_moment_stay_together_and_may_leave_a_single_cut():
    time = np.repeat([2019.0, 2020.0], [7, 5])
    ((training, held),) = splits_of(np.arange(12) % 2, 3, time=time)
    assert (set(time[training]), set(time[held])) == ({2019}, {2020})
    assert count_folds(np.arange(12) % 2, 3, stratified=True, time=np.zeros(12)) == 0


def test_the_first_block_has_all_classes_where_they_come_early():
    y = np.array([0] * 5 + [1, 2] + [0, 1, 2] * 5)
    firsts = [set(y[training]) for training, _ in splits_of(y, 4, time=np.arange(22.0))]
    assert firsts == [{0, 1, 2}] * 4
    late = np.array([0, 1] * 10 + [2, 2])
    found = splits_of(late, 3, time=np.arange(22.0))
    assert [set(late[training]) for training, _ in found] == [{0, 1}] * 3


def test_groups_over_all_times_are_judged_late_and_others_learnt_early():
    groups, time = np.tile(np.arange(6), 10), np.repeat(np.arange(10.0), 6)
    found = splits_of(groups % 2, 3, groups=groups, time=time)
    assert [(len(training), len(held)) for training, held in found] == [(20, 10)] * 3


def test_folds_of_some_rows_keep_groups_whole():
    found = make_splits(OF_PATIENT, 2, 0, stratified=True, max_rows=60, groups=PATIENTS)
    assert len(np.concatenate([held for _, held in found])) == 60
    for training, held in found:
        assert not set(PATIENTS[training]) & set(PATIENTS[held])
    whole = make_splits(OF_PATIENT, 3, 0, stratified=True, max_rows=3, groups=PATIENTS)
    assert len(np.concatenate([held for _, held in whole])) == 120


def test_names_of_groups_decide_nothing():
    renamed = RNG.permutation(12)[PATIENTS]
    one, other = (splits_of(OF_PATIENT, 3, groups=groups) for groups in (PATIENTS, renamed))
    assert [held.tolist() for _, held in one] == [held.tolist() for _, held in other]


def test_merged_groups_are_divided_by_neither():
    one, other = RNG.integers(0, 30, (2, 40))
    merged = merge_groups(one, other)
    for groups in (one, other):
        assert all(len(set(merged[groups == name])) == 1 for name in groups)
    assert merge_groups(np.arange(5), np.arange(5)).tolist() == [0, 1, 2, 3, 4]
    assert merge_groups(np.empty(0, int), np.empty(0, int)).tolist() == []


# --- held-out classes ----------------------------------------------------------------------------


def test_groups_of_held_out_and_other_classes_are_judged_or_learnt_from():
    y, groups = np.tile([0, 1, 2, 3], 6), np.repeat(np.arange(6), 4)
    learnt, judged = divide_by_classes(y > 2, y, groups)
    assert (set(y[learnt]), set(y[judged])) == ({0, 1, 2}, {3})
    assert (len(set(groups[learnt])), len(set(groups[judged]))) == (3, 3)
    assert not set(groups[learnt]) & set(groups[judged])


def test_groups_of_one_class_are_divided_by_class_alone():
    y = np.repeat(np.arange(4), 5)
    for groups in (None, np.arange(20), y):
        learnt, judged = divide_by_classes(y == 1, y, groups)
        assert (len(learnt), len(judged)) == (15, 5)


def test_a_class_of_one_group_is_still_learnt_from():
    y, groups = np.array([0, 1, 2, 2, 0, 2]), np.array([0, 0, 1, 1, 2, 3])
    learnt, judged = divide_by_classes(y == 0, y, groups)
    assert set(y[learnt]) == {1, 2}
    assert y[judged].tolist() == [0]
    lone = divide_by_classes(np.array([True, False]), np.array([0, 1]), np.zeros(2, int))
    assert [part.tolist() for part in lone] == [[], [0]]


# --- validation ----------------------------------------------------------------------------------


def test_whole_groups_are_held_out():
    drawn = set()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(120)
        training, held = hold_out_last(order, 24, groups=PATIENTS, time=None)
        assert len(held) == 20
        assert sorted([*training, *held]) == list(range(120))
        assert not set(PATIENTS[training]) & set(PATIENTS[held])
        drawn.add(tuple(sorted(set(PATIENTS[held]))))
    assert len(drawn) > 1


def test_the_last_rows_are_held_out():
    time = RNG.permutation(20).astype(float)
    training, held = hold_out_last(RNG.permutation(20), 5, groups=None, time=time)
    assert sorted(time[held]) == [15, 16, 17, 18, 19]
    assert len(training) == 15
    ties = np.repeat([0.0, 1.0], [2, 8])
    _, held = hold_out_last(np.arange(10), 9, groups=None, time=ties)
    assert sorted(held) == list(range(2, 10))


def test_the_last_rows_of_some_groups_are_held_out():
    groups, time = np.tile(np.arange(10), 10), np.repeat(np.arange(10.0), 10)
    training, held = hold_out_last(RNG.permutation(100), 30, groups=groups, time=time)
    assert (len(training), len(held)) == (49, 9)
    assert time[training].max() < time[held].min()
    assert not set(groups[training]) & set(groups[held])


def test_nothing_is_held_out_of_one_group_or_moment():
    order, one = RNG.permutation(6), np.zeros(6, int)
    for groups, time in ((one, None), (None, one.astype(float)), (one, np.arange(6.0))):
        training, held = hold_out_last(order, 2, groups=groups, time=time)
        assert (training.tolist(), held.tolist()) == (order.tolist(), [])
