"""Values and artifacts are computed once, also by killed processes and on full disks."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.errors import FileError, FourfoldWarning
from fourfold.frozen.store import Store, segments
from fourfold.frozen.store import store as store_module
from scaled import STEP, Scaled, X, everything


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


def test_a_function_of_its_own_values_does_not_wait_for_itself(store):
    f = Scaled()
    np.testing.assert_array_equal(everything(store.rows(f, store.rows(f, ArrayRows(X)))), X * 4)


def run_beside(*arguments):
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_two_processes_compute_each_row_once(store, tmp_path):
    log = tmp_path / "log"
    both = [run_beside("compute", store.path, log) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"{(X * 2).tobytes().hex()}\n"), err
    lines = log.read_text().splitlines()
    assert sorted(lines) == sorted(row.tobytes().hex() for row in X)


def test_processes_may_make_one_store_at_the_same_moment(store, tmp_path):
    out, err = run_beside("make", store.path, tmp_path).communicate(timeout=60)
    assert out == f"{[0] * 80}\n", err


def test_a_process_killed_in_mid_write_leaves_what_it_finished(store, tmp_path):
    log = tmp_path / "log"
    process = run_beside("killed", store.path, log)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(log.read_text().splitlines()) == 3 * STEP  # of which the last were not committed
    f = Scaled()
    np.testing.assert_array_equal(everything(Store(store.path).rows(f, ArrayRows(X))), X * 2)
    assert f.computed == len(X) - 2 * STEP


def test_a_full_disk_costs_a_warning_not_the_values(store, tmp_path):
    process = run_beside("full", store.path, tmp_path / "log")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "1 warnings, values are right: True\n"


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
    assert (entry.kind, entry.key) == ("artifact", "a model")
    assert entry.bytes == 7 + (store.artifact("a model", build) / "digests.json").stat().st_size


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


def test_the_users_store_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURFOLD_CACHE", str(tmp_path / "mine"))
    assert Store.default().path == tmp_path / "mine"


def _compute(path, log):
    sys.stdout.write(everything(Store(path).rows(Scaled(log=log), ArrayRows(X))).tobytes().hex())
    sys.stdout.write("\n")


def _killed(path, log):
    """Compute, and be killed when the third block's first segment is written, not committed."""
    store_module.COMMIT_BYTES = 1
    append, count = segments._append, []

    def last_append(segment, values):
        size = append(segment, values)
        count.append(size)
        if len(count) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return size

    segments._append = last_append
    _compute(path, log)


def _make(_path, folder):
    """Make 20 stores, each in four processes that wait for one start, and print how they end."""
    ends = []
    for i in range(20):
        waiting, start = os.pipe()
        children = []
        for _ in range(4):
            if (child := os.fork()) == 0:
                os.close(start)
                os.read(waiting, 1)
                try:
                    Store(f"{folder}/{i}")
                finally:
                    os._exit(1 if sys.exc_info()[0] else 0)
            children.append(child)
        os.close(start)
        os.close(waiting)
        ends += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.stdout.write(f"{ends}\n")


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
    jobs = {"compute": _compute, "killed": _killed, "make": _make, "full": _full}
    jobs[sys.argv[1]](*sys.argv[2:])
