"""Groups that several domains have rows of, and rows that come before what is learnt."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.errors import DataError
from fourfold.study.dependence import without_groups
from fourfold.study.overlap import judged_apart

X = np.arange(24.0).reshape(12, 2)
Y = np.arange(12) % 2
NAMES = np.repeat(["a", "b", "c"], 4)


def asked(**beside):
    return Domain(X + 100, Y, name="new", **beside)


@pytest.mark.parametrize("role", ["target", "source"])
def test_rows_of_learnt_groups_are_left_out(role):
    learnt = {"target": [Domain(X + 7, Y)], "source": [Domain(X + 50, Y)]}
    learnt |= {role: [Domain(X[:4], Y[:4], groups=["b", "b", "x", None])]}
    judged = judged_apart(asked(groups=NAMES), learnt, allow=False)
    assert np.flatnonzero(judged.rows.labelled).tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
    assert judged.notes == [
        (
            f"4 of 12 rows to evaluate on are of the groups of labelled rows of the {role}; they "
            "are left out of the scores."
        )
    ]
    allowed = judged_apart(asked(groups=NAMES), learnt, allow=True)
    assert allowed.rows.n_labelled == 12
    assert allowed.notes[0].endswith("the target; they count, as allowed.".replace("target", role))


def test_unlabelled_rows_and_rows_without_a_group_are_no_others():
    unlabelled = Domain(X[:4], groups=["a"] * 4)
    nameless = Domain(X[:2] + 9, Y[:2], groups=[None, None])
    evaluate = asked(groups=[None, *NAMES[1:]])
    judged = judged_apart(evaluate, {"target": [nameless], "source": [unlabelled]}, allow=False)
    assert judged.rows is evaluate
    assert judged.notes == []


def test_no_other_group_is_refused():
    learnt = {"target": [Domain(X, Y, groups=NAMES)]}
    with pytest.raises(DataError, match=r"12 of 12 are of the groups of labelled rows of the tar"):
        judged_apart(asked(groups=NAMES), learnt, allow=False)


def test_rows_before_those_of_the_target_are_left_out():
    target, source = Domain(X, Y, time=np.arange(12)), Domain(X + 50, Y, time=np.arange(12) + 8)
    learnt = {"target": [target.hide(np.arange(6, 12))], "source": [source]}
    judged = judged_apart(asked(time=np.arange(12)), learnt, allow=False)
    assert np.flatnonzero(judged.rows.labelled).tolist() == list(range(5, 12))
    first, later = judged.notes
    assert first.startswith("5 of 12 rows to evaluate on are earlier than labelled rows of the ta")
    assert later == (
        "12 of 12 labelled rows of the data are later than the first row to judge: what they teach "
        "was not known then."
    )
    with pytest.raises(DataError, match="12 of 12 are earlier than labelled rows of the target"):
        judged_apart(asked(time=np.arange(12) - 20.0), learnt, allow=False)


def test_a_source_lacks_the_rows_of_held_out_groups_but_keeps_its_classes():
    source = Domain(X, Y, groups=NAMES)
    left = without_groups(source, {"b"})
    assert left.annotations.groups.tolist() == ["a"] * 4 + ["c"] * 4
    assert without_groups(source, {"x"}) is source
    assert without_groups(source, {"a", "b", "c"}) is source
    pure = Domain(X, NAMES, groups=NAMES)
    assert without_groups(pure, {"b"}) is pure
    numbers = Domain(X, X[:, 0] + 0.5, groups=NAMES)
    assert without_groups(numbers, {"a", "b"}).n_rows == 4
    assert without_groups(source.hide(np.arange(4, 8)), {"b"}).n_rows == 12
