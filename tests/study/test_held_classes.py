"""Held-out classes of the source: no group is both learnt from and held out."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.study.held_classes import HeldClasses

Y = np.tile(np.arange(8), 12)
PEOPLE = np.repeat(np.arange(12), 8)


def splits(groups, *, generalized=False):
    rows = np.arange(96.0)[:, None]
    source = Domain(rows, Y, classes={i: [float(i)] for i in range(8)}, groups=groups)
    return HeldClasses([source], Domain(rows), 2, generalized=generalized)


@pytest.mark.parametrize("generalized", [True, False])
def test_no_person_is_divided(generalized):
    given = splits(PEOPLE, generalized=generalized)
    for held in given.parts(0):
        learnt, asked = given._positions(held)
        assert not set(PEOPLE[learnt]) & set(PEOPLE[asked])
        unseen = set(Y[asked]) & set(held)
        assert unseen == set(held)
        assert (set(Y[asked]) > unseen) is generalized
        assert set(Y[learnt]) == set(range(8)) - set(held)
        assert len(given.truth(held)) == len(asked)
    assert "no group divided" in given.judged_by


@pytest.mark.parametrize("generalized", [True, False])
def test_without_several_groups_classes_alone_are_divided(generalized):
    plain, one = (splits(g, generalized=generalized) for g in (None, np.zeros(96)))
    for held in plain.parts(3):
        for ours, theirs in zip(plain._positions(held), one._positions(held), strict=True):
            assert ours.tolist() == theirs.tolist()
        assert len(plain._positions(held)[1]) == 48 + 12 * generalized
