"""The least recently used entries are evicted, and leftovers are removed."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.errors import FileError
from fourfold.frozen.store import Store
from scaled import Scaled, X, everything

LEFT = f"{'0' * 32}.bin"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_what_a_process_killed_before_its_first_commit_left_is_removed(store):
    number = store._folders.index.begin("scaled2.0", "output", LEFT, np.dtype("f4"), (3,))
    for name in (LEFT, f"{'1' * 32}.bin"):
        (store._folders.segments / name).write_bytes(b"torn")
    everything(Store(store.path).rows(Scaled(), ArrayRows(X)))
    assert number not in {entry[0] for entry in store._folders.index.all_segments()}
    names = {file.name for file in store._folders.segments.iterdir()}
    assert names == {file for _, _, file, _ in store._folders.index.all_segments()}


def test_whoever_reads_what_is_evicted_keeps_it(store):
    f = Scaled()
    held = store.rows(f, ArrayRows(X))
    everything(held)
    small = Store(store.path, max_bytes=1)
    everything(small.rows(Scaled(3.0), ArrayRows(X)))
    assert [entry.key for entry in small.entries()] == ["scaled3.0"]
    np.testing.assert_array_equal(everything(held), X * 2)
    np.testing.assert_array_equal(everything(held.subset(np.array([5]))), X[[5]] * 2)
    np.testing.assert_array_equal(everything(small.rows(f, ArrayRows(X))), X * 2)
    assert f.computed == 80


def test_what_was_not_used_for_longest_goes_first(store):
    a, b, c = (Scaled(by, names=("output",)) for by in (1.0, 2.0, 3.0))
    for f in (a, b, a):
        everything(store.rows(f, ArrayRows(X)))
    store.max_bytes = store.size
    everything(store.rows(c, ArrayRows(X)))
    assert [entry.key for entry in store.entries()] == [c.key, a.key]


def test_artifacts_are_evicted_but_the_one_asked_for(store):
    def build(folder):
        (folder / "model").write_bytes(bytes(100))

    store.max_bytes = 150
    store.artifact("old", build)
    folder = store.artifact("new", build)
    assert [entry.key for entry in store.entries()] == ["new"]
    assert [path.name for path in store._folders.artifacts.iterdir()] == [folder.name]


def test_clear_empties_it(store):
    everything(store.rows(Scaled(), ArrayRows(X)))
    made = store.artifact("a model", lambda folder: (folder / "model").write_text("weights"))
    sizes = {file.name: file.stat().st_size for file in made.iterdir()}
    assert sizes.keys() == {"model", "digests.json"}
    assert store.size == 2 * X.nbytes + 7 + sizes["digests.json"]
    store.clear()
    assert (store.size, store.entries()) == (0, [])
    assert not [*store._folders.segments.iterdir(), *store._folders.artifacts.iterdir()]


def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match="must be writable"):
        Store(tmp_path / "file" / "store")
