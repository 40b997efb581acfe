"""Values are computed at most once, with a store or in memory."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.frozen.store import Store, active, compute_once, once, using
from scaled import Scaled, X, everything


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_compute_once_uses_the_store_in_use_else_memory(store):
    rows, f = ArrayRows(X), Scaled(7.0)
    assert active() is None
    for _ in range(2):
        kept = compute_once(f, rows)
        assert isinstance(kept, ArrayRows)
        np.testing.assert_array_equal(kept.array, X * 7)
    assert f.computed == 40
    with using(store):
        assert active() is store
        stored = compute_once(f, rows)
    assert active() is None
    np.testing.assert_array_equal(everything(stored), X * 7)
    np.testing.assert_array_equal(stored.keys, kept.keys)
    assert f.computed == 80


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(once, "_memory", once._Memory(max_bytes=5 * X.nbytes))
    f, g, h = Scaled(1.0), Scaled(2.0), Scaled(3.0)
    for function in (f, g, f, h, f):  # two of them fit
        compute_once(function, ArrayRows(X))
    assert f.computed == 40
    compute_once(g, ArrayRows(X))
    assert g.computed == 80
