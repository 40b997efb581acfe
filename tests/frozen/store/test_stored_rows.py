"""Stored rows are read, picked, keyed and sent to other processes without computing twice."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.errors import FileError, ParameterError
from fourfold.frozen.store import Store, StoredRows, compute_once, using
from scaled import Scaled, X, everything


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_nothing_is_computed_before_it_is_read(store):
    f, g = Scaled(), Scaled(3.0)
    rows = ArrayRows(X)
    lazy = store.rows(f, rows)
    assert lazy.n == 40
    keys = lazy.keys
    assert f.computed == 0
    assert len({bytes(k) for k in keys}) == 40
    for other in (store.rows(g, rows), store.rows(f, rows, "half")):
        assert not set(map(bytes, other.keys)) & set(map(bytes, keys))
    assert lazy.shape == (3,)
    assert lazy.dtype == np.float32
    assert f.computed == 40


def test_a_chain_whose_end_is_stored_computes_nothing(store):
    everything(store.rows(Scaled(3.0), store.rows(Scaled(), ArrayRows(X))))
    for number, function, _, _ in store._folders.index.all_segments():
        if function == Scaled().key:
            store._folders.index.forget(segments=(number,))
    f, g = Scaled(), Scaled(3.0)
    np.testing.assert_array_equal(everything(store.rows(g, store.rows(f, ArrayRows(X)))), X * 6)
    assert (f.computed, g.computed) == (0, 0)


@pytest.mark.parametrize("read_first", [False, True])
def test_subsets_read_and_name_the_rows_at_their_positions(store, read_first):
    f = Scaled()
    rows = store.rows(f, ArrayRows(X))
    if read_first:
        everything(rows)
    index = np.array([7, 3, 3, 30])
    part = rows.subset(index)
    np.testing.assert_array_equal(everything(part), X[index] * 2)
    np.testing.assert_array_equal(everything(part.subset(np.array([3, 0]))), X[[30, 7]] * 2)
    np.testing.assert_array_equal(part.keys, rows.keys[index])
    assert f.computed == (40 if read_first else 3)


def test_another_process_gets_names_of_files_not_values(store):
    big = np.random.default_rng(1).standard_normal((64, 4096)).astype(np.float32)
    rows = store.rows(Scaled(), ArrayRows(big))
    sent = pickle.dumps(rows.subset(np.arange(32)))
    assert len(sent) < big.nbytes / 100
    got = pickle.loads(sent)  # noqa: S301  our own, as between processes
    assert isinstance(got, StoredRows)
    np.testing.assert_array_equal(everything(got), big[:32] * 2)
    np.testing.assert_array_equal(got.keys, rows.keys[:32])
    store.clear()
    with pytest.raises(FileError, match="is gone"):
        pickle.loads(sent)  # noqa: S301


def test_rows_may_differ_in_length(store):
    rows = ArrayRows(X)
    wanted = [row[: 1 + int(row[0] > 0)] * 2 for row in X]
    for stored in (store.rows(Scaled(ragged=True), rows), store.rows(Scaled(ragged=True), rows)):
        for got, right in zip(everything(stored), wanted, strict=True):
            np.testing.assert_array_equal(got, right)
        assert stored.shape == (2,)
    with using(None):
        kept = compute_once(Scaled(by=5.0, ragged=True), rows)
    np.testing.assert_array_equal(kept.take(np.array([4]))[0], wanted[4] / 2 * 5)
    np.testing.assert_array_equal(kept.keys, store.rows(Scaled(by=5.0), rows).keys)


def test_an_unknown_tap_is_refused(store):
    for compute in (store.rows, compute_once):
        with pytest.raises(ParameterError, match="must be one of half, output; got 'full'"):
            compute(Scaled(), ArrayRows(X), "full")
