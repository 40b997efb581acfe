"""Segments survive evictions, damage and full disks."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.frozen.store import Store, segments
from scaled import Scaled, X, everything


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_a_full_disk_makes_others_go(store, monkeypatch):
    everything(store.rows(Scaled(3.0), ArrayRows(X)))
    old = {file for _, _, file, _ in store._folders.index.all_segments()}
    append = segments._append

    def with_little_room(segment, values):
        if any((store._folders.segments / file).exists() for file in old):
            raise OSError(errno.ENOSPC, "No space left on device")
        return append(segment, values)

    monkeypatch.setattr(segments, "_append", with_little_room)
    f = Scaled()
    for _ in range(2):
        np.testing.assert_array_equal(everything(store.rows(f, ArrayRows(X))), X * 2)
    assert f.computed == 40


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"")])
def test_a_segment_that_is_gone_is_computed_again(store, damage):
    f = Scaled()
    everything(store.rows(f, ArrayRows(X)))
    for file in store._folders.segments.iterdir():
        damage(file)
    np.testing.assert_array_equal(everything(store.rows(f, ArrayRows(X))), X * 2)
    assert f.computed == 80


def test_a_writer_whose_segment_is_evicted_writes_it_again(store):
    writer = segments.SegmentWriter(store._folders.index, store._folders.segments, "f")
    keys = ArrayRows(X).keys
    with writer:
        writer.add(keys[:20], {"output": X[:20]})
        store.clear()
        writer.add(keys[20:], {"output": X[20:]})
    found = store._look_up("f", "output", keys)
    np.testing.assert_array_equal(found.missing, np.arange(20))
    np.testing.assert_array_equal(found.take(np.arange(20, 40)), X[20:])
