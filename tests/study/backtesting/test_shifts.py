"""Shifts of a source: what changes is what is said, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain
from fourfold.preparation.choose import Standardize
from fourfold.study.backtesting.shifts import shifts_of


def pile(n=400, seed=0, **options):
    X, y = make_blobs(n, centers=[(-5, 0), (5, 0)], random_state=seed)
    return Domain(X.astype(np.float32), y, **options)


def of(*sources, stratified=True):
    prepare = Standardize().fit(*[source.rows for source in sources])
    return {one.name: one for one in shifts_of(sources, prepare, stratified=stratified)}


def inputs(domain):
    return domain.rows.take(np.arange(domain.n_rows))


def test_each_of_several_sources_is_left_out():
    found = of(pile(name="a"), pile(seed=1, name="b"), pile(seed=2, name="c"))
    assert list(found) == ["a left out", "b left out", "c left out"]
    assert [one.name for one in found["b left out"].sources] == ["a", "c"]
    assert found["b left out"].target.name == "b"


def test_one_source_is_halved_and_shifted():
    found = of(pile())
    assert list(found) == ["other shares", "other inputs", "another style"]
    shares = found["other shares"].target.known.mean()
    assert 0.15 < shares < 0.25  # of two halves, one is four times rarer
    assert found["other shares"].sources[0].known.mean() == pytest.approx(0.5, abs=0.01)
    one, other = found["other inputs"].sources[0], found["other inputs"].target
    apart = inputs(other)[:, 0].mean() - inputs(one)[:, 0].mean()  # the main axis
    assert abs(apart) > 3
    styled = inputs(found["another style"].target)
    plain = inputs(found["another style"].sources[0])
    assert styled.std() == pytest.approx(0.5 * plain.std(), rel=0.1)


def test_no_row_is_learnt_from_and_asked():
    for shift in of(pile()).values():
        keys = [{key.tobytes() for key in one.rows.keys} for one in (*shift.sources, shift.target)]
        assert not keys[0] & keys[1]


def test_no_group_is_divided():
    groups = np.arange(400) // 4
    for shift in of(pile(groups=groups)).values():
        theirs, own = (one.annotations.groups for one in (shift.sources[0], shift.target))
        assert not set(theirs.tolist()) & set(own.tolist())


def test_numbers_have_other_shares_above_their_median():
    X = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    source = Domain(X, X[:, 0] + 0.5)
    found = of(source, stratified=False)
    high = found["other shares"].target.known > np.median(source.known)
    assert 0.1 < high.mean() < 0.3


def test_a_small_source_gives_none():
    assert not of(pile(n=60))
