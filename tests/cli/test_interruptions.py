"""Folders, full disks and Ctrl-C: one clear sentence, and no finished fit is lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from fourfold import Domain, Mlp, Store, Study, read_domain
from fourfold.errors import FileError, FourfoldWarning
from fourfold.study.running import execution

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((40, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
FEW = np.where(np.arange(40) < 20, Y, -1)


@pytest.fixture
def here(tmp_path):
    """A folder with a source and a target."""
    np.savez(tmp_path / "source.npz", X=X, y=Y)
    np.savez(tmp_path / "target.npz", X=X + 0.3, y=FEW)
    return tmp_path


@pytest.mark.parametrize("place", ["file", "file/out", "/proc/nowhere"])
def test_an_output_folder_that_cannot_be_written(fourfold, here, short, place):
    (here / "file").write_text("in the way")
    domains = ("--source", here / "source.npz", "--target", here / "target.npz")
    said = fourfold("study", *domains, *short, "-o", here / place)
    said.refused(f"{here / place} must be a folder to write to")
    with pytest.raises(FileError, match="must be a folder to write to"):
        Study(Domain(X, Y), Domain(X, FEW), output=here / place)


def test_a_store_that_cannot_be_written(fourfold, here, short, monkeypatch):
    (here / "file").write_text("in the way")
    monkeypatch.setenv("FOURFOLD_CACHE", str(here / "file"))
    domains = ("--source", here / "source.npz", "--target", here / "target.npz")
    fourfold("study", *domains, *short, "-o", here / "out").refused(
        f"the store {here / 'file'} must be writable"
    )
    fourfold("cache").refused(f"the store {here / 'file'} must be writable")


def test_a_full_disk_under_the_store_costs_a_warning(here, monkeypatch):
    def result(name):
        options = {
            "seeds": 1,
            "folds": 2,
            "network": Mlp(hidden_layer_sizes=(8,)),
            "recipe": {"steps": 5},
        }
        study = Study(
            *[read_domain(here / f"{name}.npz") for name in ("source", "target")],
            **(options | {"store": Store(here / "store"), "progress": False}),
            output=here / name,
        )
        return {line.method: line.scores for line in study.run().lines}

    whole = result("enough")

    class Full(Store):
        def artifact(self, *_asked):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(execution, "Store", Full)
    with pytest.warns(FourfoldWarning, match="the disk of the store .* is full"):
        assert result("full") == whole


def started(program, *argv, cache, **options):
    environment = {**os.environ, "FOURFOLD_CACHE": str(cache)}
    return subprocess.Popen(
        [program, *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def finished(folder):
    """Return the runs that a folder holds, and when each was written."""
    return {f.name: f.stat().st_mtime_ns for f in (folder / "runs").glob("*.safetensors")}


@pytest.mark.filterwarnings("default::fourfold.errors.FourfoldWarning")
@pytest.mark.parametrize("size", ["20k", "128k"])
def test_on_a_full_disk_the_store_goes_on_without_keeping(
    fourfold, here, short, small_disk, monkeypatch, size
):
    domains = ("--source", here / "source.npz", "--target", here / "target.npz")
    with small_disk(size) as full:
        monkeypatch.setenv("FOURFOLD_CACHE", str(full))
        said = fourfold("study", *domains, "-o", here / "out", *short)
    assert said.code == 0, said
    assert (here / "out" / "best" / "bundle.json").exists()
    assert "Traceback" not in said.err
    for line in said.err.splitlines():
        assert line.startswith("fourfold: the disk of the store")


def test_on_a_full_disk_the_output_stops_and_resumes(fourfold, here, short, small_disk):
    domains = ("--source", here / "source.npz", "--target", here / "target.npz")
    with small_disk("300k") as disk:
        argv = ("study", *domains, "-o", disk / "out", *short)
        said = fourfold(*argv)
        assert said.code == 2
        assert said.err.count("\n") == 1
        assert said.err.endswith("finished fits are kept: go on with --resume\n")
        before = finished(disk / "out")
        assert before
        subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
        assert fourfold(*argv, "--resume").code == 0
        after = finished(disk / "out")
        assert before.items() <= after.items()
        assert len(after) == 23


# --- Ctrl-C ---------------------------------------------------------------------------------------


WHOLE = 25
"""Fits of one method and four baselines: two seeds, each in two folds, and the first seed whole."""


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_was_finished(program, fourfold, data, tmp_path, jobs):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    options = ("--seeds", 2, "--folds", 2, "--methods", "FineTune", "--steps", 20, "--no-racing")
    argv = ("study", *domains, "-o", tmp_path / "out", *options)
    beside = ("--jobs", jobs)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none
    process = started(program, *argv, *beside, cache=tmp_path / "cache", start_new_session=True)
    signal.signal(signal.SIGINT, handler)
    until = time.monotonic() + 300
    answer = tmp_path / "out" / "result.json"  # of the first method
    while not answer.exists() and time.monotonic() < until:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err == "fourfold: stopped; finished fits are kept: go on with --resume\n"
    before = finished(tmp_path / "out")
    assert 3 <= len(before) < WHOLE
    assert json.loads(answer.read_text())["shipped"]
    assert (tmp_path / "out" / "best").is_dir()
    assert fourfold(*argv, "--resume").code == 0
    after = finished(tmp_path / "out")
    assert before.items() <= after.items()
    assert len(after) == WHOLE
    assert json.loads((tmp_path / "out" / "result.json").read_text())["shipped"]
    assert not list((tmp_path / "out" / "runs").glob("*.checkpoint*"))


def test_a_command_that_is_stopped_before_it_trains_says_so(fourfold, here, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fourfold.cli.inputs.read_domains", interrupted)
    said = fourfold("map", "--source", here / "source.npz", "--target", here / "target.npz")
    assert said.code == 130
    assert said.err.strip() == "fourfold: stopped"
