"""Fixtures for the command line: small real data as files, and a runner for commands."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.main
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from fourfold.cli import main

COMMAND = once(typer.main.get_command)
"""Typer reads the options of all commands anew at each call, a fourth of a short one's time."""


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    def refused(self, *words):
        """Assert one sentence on stderr, with these words in it, and exit code 2."""
        assert self.code == 2, self
        assert self.err.startswith("fourfold: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err + self.out
        for word in words:
            assert word in self.err


def call(*argv):
    """Run a command in this process, as its entry point would."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["fourfold", *map(str, argv)])
        patch.setattr(typer.main, "get_command", COMMAND)
        with pytest.raises(SystemExit) as stop:
            main()
    return CommandResult(stop.value.code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def fourfold(cache):
    del cache
    return call


@pytest.fixture(scope="session")
def program():
    """The command itself, to be started as a process."""
    return str(Path(sys.executable).with_name("fourfold"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A store for the tests alone, so that source models are trained once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_CACHE", str(folder))
        patch.setenv("COLUMNS", "80")
        yield folder


@pytest.fixture(scope="session")
def short():
    """Options of a short study."""
    return ("--seeds", 2, "--folds", 2, "--steps", 20, "--network", "mlp", "--methods", "FineTune")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder of files: wine as tables and arrays, digits as pictures, sentences as text."""
    folder = tmp_path_factory.mktemp("data")
    _tables(folder)
    _arrays(folder)
    _pictures(folder)
    _texts(folder)
    return folder


def _wine(rows, shift=0.0):
    """Wine with numbers, a category, a date and missing cells."""
    X, y = load_wine(return_X_y=True)
    X, y = X[rows], y[rows]
    frame = pd.DataFrame({"alcohol": X[:, 0] + shift, "colour": X[:, 9], "proline": X[:, 12]})
    frame["size"] = np.where(X[:, 4] > 100, "large", "small")
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(X[:, 3].round(), "D")
    frame.loc[frame.index[::7], "alcohol"] = np.nan
    frame.loc[frame.index[::11], "size"] = None
    return frame.assign(kind=np.array(["barolo", "grignolino", "barbera"])[y])


def _tables(folder):
    order = np.random.default_rng(0).permutation(178)
    source, target, judged = (
        _wine(order[a:b], s) for a, b, s in ((0, 90, 0), (90, 140, 0.5), (140, 178, 0.5))
    )
    partly = target.assign(kind=target["kind"].where(np.arange(50) < 24))
    files = {"source": source, "target": partly, "evaluate": judged}
    for name, frame in files.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    target.drop(columns="kind").to_csv(folder / "unlabelled.csv", index=False)
    for name in ("source", "target"):
        numbers = files[name].drop(columns=["kind", "size", "day"])
        numbers.to_csv(folder / f"{name}-numbers.csv", index=False)


def _arrays(folder):
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(178)
    X, y = (X[order] / X.std(0)).astype(np.float32), y[order]
    np.savez(folder / "source.npz", X=X[:100], y=y[:100])
    np.savez(folder / "target.npz", X=X[100:] + 0.5, y=np.where(np.arange(78) < 30, y[100:], -1))
    np.savez(folder / "unlabelled.npz", X=X[100:])
    np.savez(folder / "evaluate.npz", X=X[140:] + 0.5, y=y[140:])


def _pictures(folder):
    images, y = load_digits(n_class=3, return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    for name, rows in {
        "source": range(60),
        "more": range(60, 120),
        "target": range(120, 180),
    }.items():
        for row in rows:
            place = folder / f"{name}-pictures" / f"digit {y[row]}" / f"{row}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[row]).save(place)
    flat = folder / "flat-pictures"
    flat.mkdir()
    for row in range(120, 180):  # larger, and in colour
        picture = Image.fromarray(images[row]).convert("RGB").resize((12, 10))
        picture.save(flat / f"{row:03}.png")


def _texts(folder):
    words = {"sport": "ball team goal match player win", "food": "bread cheese soup salt oven dish"}
    random = np.random.default_rng(0)
    for name, n in {"source": 100, "target": 40}.items():
        topics = random.choice(list(words), n)
        texts = [" ".join(random.choice([*words[t].split(), "the", "and"], 8)) for t in topics]
        frame = pd.DataFrame({"text": texts, "topic": topics})
        frame.to_csv(folder / f"{name}-texts.csv", index=False)


@pytest.fixture(scope="session")
def trained(fourfold, data, short, tmp_path_factory):
    """A finished study on tables, with rows to evaluate on; its output folder."""
    output = tmp_path_factory.mktemp("trained") / "runs"
    domains = ("--source", data / "source.csv", "--target", data / "target.csv")
    judged = ("--evaluate", data / "evaluate.csv", "--label", "kind")
    said = fourfold("study", *domains, *judged, "-o", output, *short)
    assert said.code == 0, said
    return output, said


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a size that is given, where this user may mount one."""
    mounted = []

    @contextmanager
    def mount(size):
        place = tmp_path / f"disk-{size}"
        place.mkdir()
        mounter = shutil.which("mount")
        command = [mounter, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place]
        if (
            mounter is None
            or os.geteuid()
            or subprocess.run(command, check=False, capture_output=True).returncode
        ):
            pytest.skip("this user may not mount a file system")
        mounted.append(place)
        yield place

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)
