"""What was computed is computed once, whatever happens to processes and disks."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.errors import FileError, FourfoldWarning, ParameterError
from fourfold.frozen.store import Store, StoredRows, active, compute_once, once, segments, using
from fourfold.frozen.store import store as store_module

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
STEP = 8


class Scaled:
    """Stands for a Frozen: multiplies, a few rows at a time, and notes in a file what it did."""

    def __init__(self, by=2.0, log=None, ragged=False, names=("half", "output")):
        self.names = names
        self.by, self.log, self.ragged = by, log, ragged
        self.computed = 0
        self.key = f"scaled{by}"

    def stream(self, rows, index):
        for at in range(0, len(index), STEP):
            x = rows.take(index[at : at + STEP])
            self.computed += len(x)
            if self.log:
                with Path(self.log).open("a") as file:
                    file.writelines(f"{row.tobytes().hex()}\n" for row in x)
            values = {"half": x * (self.by / 2), "output": x * self.by}
            if self.ragged:
                values = {name: _cut(value, x) for name, value in values.items()}
            yield {name: values[name] for name in self.names}

    def compute(self, rows, index=None):
        parts = list(self.stream(rows, np.arange(rows.n) if index is None else index))
        return {name: np.concatenate([part[name] for part in parts]) for name in self.names}


def _cut(values, x):
    """Cut each value to a length that follows from its row."""
    beside = np.empty(len(values), object)
    beside[:] = [value[: 1 + int(row[0] > 0)] for value, row in zip(values, x, strict=True)]
    return beside


def everything(rows):
    return rows.take(np.arange(rows.n))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_values_are_the_functions_own_and_are_computed_once(store):
    f = Scaled()
    np.testing.assert_array_equal(everything(store.rows(f, ArrayRows(X))), X * 2)
    np.testing.assert_array_equal(everything(store.rows(f, ArrayRows(X), "half")), X)
    other = Store(store.path)  # as another process would open it
    np.testing.assert_array_equal(everything(other.rows(f, ArrayRows(X.copy()))), X * 2)
    assert f.computed == len(X)


def test_only_what_is_missing_is_computed_and_equal_rows_once(store):
    f = Scaled()
    everything(store.rows(f, ArrayRows(X[:10])))
    again = np.concatenate([X[5:15], X[5:15]])
    np.testing.assert_array_equal(everything(store.rows(f, ArrayRows(again))), again * 2)
    assert f.computed == 15


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


def test_a_function_of_its_own_values_does_not_wait_for_itself(store):
    f = Scaled()
    np.testing.assert_array_equal(everything(store.rows(f, store.rows(f, ArrayRows(X)))), X * 4)


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


def run_beside(*arguments):
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_compute_each_row_once(store, tmp_path):
    log = tmp_path / "log"
    both = [run_beside("compute", store.path, log) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"{(X * 2).tobytes().hex()}\n"), err
    lines = log.read_text().splitlines()
    assert sorted(lines) == sorted(row.tobytes().hex() for row in X)


def test_a_process_killed_in_mid_write_leaves_what_it_finished(store, tmp_path):
    log = tmp_path / "log"
    process = run_beside("killed", store.path, log)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(log.read_text().splitlines()) == 3 * STEP  # of which the last were not committed
    f = Scaled()
    np.testing.assert_array_equal(everything(Store(store.path).rows(f, ArrayRows(X))), X * 2)
    assert f.computed == len(X) - 2 * STEP


def test_what_a_process_killed_before_its_first_commit_left_is_removed(store):
    number = store._folders.index.begin("scaled2.0", "output", "left.bin", np.dtype("f4"), (3,))
    (store._folders.segments / "left.bin").write_bytes(b"torn")
    (store._folders.segments / "unannounced.bin").write_bytes(b"torn")
    everything(Store(store.path).rows(Scaled(), ArrayRows(X)))
    assert number not in {entry[0] for entry in store._folders.index.all_segments()}
    names = {file.name for file in store._folders.segments.iterdir()}
    assert names == {file for _, _, file, _ in store._folders.index.all_segments()}


def test_a_full_disk_costs_a_warning_not_the_values(store, tmp_path):
    process = run_beside("full", store.path, tmp_path / "log")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "1 warnings, values are right: True\n"


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


def test_an_artifact_is_built_once(store):
    built = []

    def build(folder):
        built.append(folder)
        (folder / "model").write_text("weights")

    def get():
        assert (store.artifact("a model", build) / "model").read_text() == "weights"

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    get()
    assert len(built) == 1
    (entry,) = store.entries()
    assert (entry.kind, entry.key, entry.bytes) == ("artifact", "a model", 7)


def test_a_failed_build_leaves_nothing(store):
    def build(folder):
        (folder / "half").write_text("done")
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        store.artifact("a model", build)
    assert not list(store._folders.artifacts.iterdir())
    assert store.entries() == []


def test_an_artifact_that_finds_no_room_says_so(store):
    def build(folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with pytest.raises(FileError, match="its disk is full"):
        store.artifact("a model", build)


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
    store.artifact("a model", lambda folder: (folder / "model").write_text("weights"))
    assert store.size == 2 * X.nbytes + 7
    store.clear()
    assert (store.size, store.entries()) == (0, [])
    assert not [*store._folders.segments.iterdir(), *store._folders.artifacts.iterdir()]


def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match="must be writable"):
        Store(tmp_path / "file" / "store")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "index.sqlite").write_bytes(b"no database, " * 100)
    with pytest.raises(FileError, match="must be readable and writable"):
        Store(tmp_path / "store")


def test_the_users_store_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURFOLD_CACHE", str(tmp_path / "mine"))
    assert Store.default().path == tmp_path / "mine"


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


def _compute(path, log):
    sys.stdout.write(everything(Store(path).rows(Scaled(log=log), ArrayRows(X))).tobytes().hex())
    sys.stdout.write("\n")


def _killed(path, log):
    """Compute, and be killed when the third block's first segment is written, not committed."""
    store_module.COMMIT_BYTES = 1
    sync, count = os.fsync, []

    def last_sync(file):
        sync(file)
        count.append(file)
        if len(count) == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = last_sync
    _compute(path, log)


def _full(path, _log):
    """Compute where files may not grow: the index has its size already, and segments have none."""
    store_module.COMMIT_BYTES = 1
    big = np.random.default_rng(1).standard_normal((STEP * 4, 40000)).astype(np.float32)
    store = Store(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FourfoldWarning)
        values = everything(store.rows(Scaled(), ArrayRows(big)))
        everything(store.rows(Scaled(3.0), ArrayRows(big)))
    sys.stdout.write(f"{len(caught)} warnings, values are right: {(values == big * 2).all()}\n")


if __name__ == "__main__":
    {"compute": _compute, "killed": _killed, "full": _full}[sys.argv[1]](*sys.argv[2:])
