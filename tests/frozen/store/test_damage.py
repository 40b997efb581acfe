"""The store proves what it gives: damage is set aside, computed again and noted."""

from __future__ import annotations

import shutil
import subprocess
import warnings

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows
from fourfold.errors import FileError, FourfoldWarning
from fourfold.frozen.store import Store
from scaled import Scaled, X, everything

ROWS = ArrayRows(X)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def build(folder):
    (folder / "weights").write_bytes(bytes(range(200)))


def filled(path):
    """Fill a store with values of two functions, one of them ragged, and an artifact."""
    store = Store(path)
    for f in (Scaled(), Scaled(3.0, ragged=True)):
        everything(store.rows(f, ROWS))
    store.artifact("a model", build)
    return store


def all_that_it_gives(path):
    """Read everything, and return it with the number of values that were computed."""
    store, functions = Store(path), (Scaled(), Scaled(3.0, ragged=True))
    found = [store.rows(f, ROWS, tap) for f in functions for tap in f.names]
    values = [row.tobytes() for rows in found for row in everything(rows)]
    artifact = (store.artifact("a model", build) / "weights").read_bytes()
    return [*values, artifact], sum(f.computed for f in functions)


def test_one_flipped_bit_in_a_value_is_computed_again(store):
    f = Scaled(names=("output",))
    everything(store.rows(f, ROWS))
    [segment] = store._folders.segments.iterdir()
    content = bytearray(segment.read_bytes())
    content[100] ^= 1
    segment.write_bytes(content)
    rows = Store(store.path).rows(f, ROWS)
    with pytest.warns(FourfoldWarning, match="is not as it was written: it is set aside"):
        np.testing.assert_array_equal(everything(rows), X * 2)
    assert f.computed == 2 * len(X)
    [kept] = store._folders.quarantine.iterdir()
    assert kept.name.endswith(segment.name)
    np.testing.assert_array_equal(everything(Store(store.path).rows(f, ROWS)), X * 2)
    assert f.computed == 2 * len(X)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "lost", "added"])
def test_a_damaged_artifact_is_built_again(store, damage):
    weights = store.artifact("a model", build) / "weights"
    whole = weights.read_bytes()
    if damage == "added":
        weights.with_name("other").touch()
    elif damage == "lost":
        weights.unlink()
    else:
        flipped = bytes([whole[0] ^ 64, *whole[1:]])
        weights.write_bytes({"flip": flipped, "cut": whole[:90], "empty": b""}[damage])
    with pytest.warns(FourfoldWarning, match="is not as it was written: it is set aside"):
        assert (store.artifact("a model", build) / "weights").read_bytes() == whole
    assert len(list(store._folders.quarantine.iterdir())) == 1


@pytest.mark.filterwarnings("ignore::fourfold.errors.FourfoldWarning")
@pytest.mark.parametrize("seed", range(4))
def test_no_flip_and_no_cut_anywhere_changes_what_it_gives(tmp_path, seed):
    filled(tmp_path / "whole")
    right, computed = all_that_it_gives(tmp_path / "whole")
    assert computed == 0
    rng = np.random.default_rng(seed)
    for trial in range(15):
        path = shutil.copytree(tmp_path / "whole", tmp_path / f"{trial}")
        files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
        files = [file for file in files if file.name != "CACHEDIR.TAG"]
        file = files[rng.integers(len(files))]
        content = bytearray(file.read_bytes())
        if trial % 3:
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        else:
            del content[rng.integers(len(content)) :]
        file.write_bytes(content)
        assert all_that_it_gives(path)[0] == right, file
        assert all_that_it_gives(path)[0] == right, file


@pytest.mark.parametrize("content", [b"no database, " * 1000, b"", b"SQLite format 3\0" * 300])
def test_a_broken_index_is_begun_anew(store, content):
    f = Scaled()
    everything(store.rows(f, ROWS))
    for name in ("index.sqlite-wal", "index.sqlite-shm"):
        (store.path / name).unlink(missing_ok=True)
    (store.path / "index.sqlite").write_bytes(content)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        np.testing.assert_array_equal(everything(Store(store.path).rows(f, ROWS)), X * 2)
    assert not content or "is broken: it is set aside" in str(said[0].message)
    assert f.computed == 2 * len(X)
    everything(Store(store.path).rows(f, ROWS))
    assert f.computed == 2 * len(X)


@pytest.fixture
def read_only(tmp_path):
    """Mount a folder read-only, where this user may."""
    mounted = []

    def mount(path):
        place = tmp_path / "read-only"
        place.mkdir()
        for command in (["mount", "--bind"], ["mount", "-o", "remount,ro,bind"]):
            where = [str(path), str(place)]
            if (
                not shutil.which("mount")
                or subprocess.run([*command, *where], check=False).returncode
            ):
                pytest.skip("this user may not mount")
            mounted.append(place)
        return place

    yield mount
    if mounted:
        subprocess.run(["umount", str(mounted[0])], check=True)


def test_a_read_only_store_is_used_without_writing(tmp_path, read_only):
    filled(tmp_path / "store")
    path = read_only(tmp_path / "store")
    assert all_that_it_gives(path)[1] == 0
    store, f = Store(path), Scaled(5.0)
    np.testing.assert_array_equal(everything(store.rows(f, ROWS)), X * 5)
    assert f.computed == len(X)
    made = store.artifact("another", build)
    assert (made / "weights").exists()
    assert made == store.artifact("another", build)
    assert not made.is_relative_to(path)


def test_to_look_at_a_store_changes_nothing(tmp_path):
    def content():
        return {f: f.read_bytes() if f.is_file() else None for f in tmp_path.rglob("*")}

    assert Store(tmp_path / "none", read_only=True).entries() == []
    assert not (tmp_path / "none").exists()
    filled(tmp_path / "store")
    before = content()
    assert len(Store(tmp_path / "store", read_only=True).entries()) == 3
    assert content() == before


@pytest.mark.parametrize("inside", ["thesis.tex", "segments/thesis.tif", "artifacts/thesis/1.txt"])
def test_a_folder_of_something_else_is_no_store(tmp_path, inside):
    thesis = tmp_path / "folder" / inside
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    for read_only in (False, True):
        with pytest.raises(FileError, match=r"folder must be empty, or a cache of fourfold"):
            Store(tmp_path / "folder", read_only=read_only)
    assert thesis.read_text() == "years of work"
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == [inside.partition("/")[0]]


def test_what_others_put_into_a_store_stays(store):
    (store._folders.segments / "thesis.tif").write_text("years of work")
    Store(store.path).clear()
    assert (store._folders.segments / "thesis.tif").exists()


def test_a_store_of_the_first_format_is_emptied_and_used(tmp_path):
    store = filled(tmp_path / "store")
    foreign = store._folders.segments / "thesis.tif"
    foreign.touch()
    (store.path / "CACHEDIR.TAG").unlink()
    store._folders.index._query(lambda db: db.executescript("PRAGMA user_version = 0"))
    _, computed = all_that_it_gives(store.path)
    assert computed == 2 * len(X)
    assert foreign.exists()
