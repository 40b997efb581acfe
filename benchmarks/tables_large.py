"""A table of a million rows as the source: seconds, memory and growth of a default study."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np
import pandas as pd

from benchmarks.harness import Benchmark, Measures, Medians, Target
from fourfold.errors import FourfoldError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK: Final = 100_000
"""Rows that are written at a time."""
NUMBERS: Final = 22
"""Columns of numbers; six of categories and the label follow."""
EVERY: Final = 0.05
"""Seconds between two looks at the memory and at the first answer."""


@final
@dataclass(frozen=True)
class Settings:
    """Rows of the source, sizes that tell its growth, rows of the target, and rows at most."""

    rows: int = 1_000_000
    sizes: tuple[int, ...] = (10_000, 100_000, 3_000_000)
    labels: int = 2000
    evaluate: int = 20_000
    most: int = 3_000_000


def table(n: int, seed: int, moved: float) -> pd.DataFrame:
    """Draw loans: 22 numbers, some missing, 6 categories, and whether one fails."""
    rng = np.random.default_rng(seed)
    x = rng.normal(moved, 1, (n, NUMBERS)).round(3)
    codes = rng.integers(0, [3, 5, 8, 12, 50, 200], (n, 6))
    score = x[:, 0] - 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.3 * x[:, 3] - 2 + moved
    score += (codes[:, 1] == 2) + 0.02 * (codes[:, 4] % 7)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(NUMBERS)])
    frame.loc[rng.random(n) < 0.1, "x5"] = np.nan
    for i, column in enumerate(codes.T):
        frame[f"c{i}"] = np.char.add("k", column.astype(str))
    frame["bad"] = np.where(rng.random(n) < 1 / (1 + np.exp(-score)), "yes", "no")
    return frame


def _write(path: Path, n: int, seed: int, moved: float) -> None:
    for start in range(0, n, BLOCK):
        part = table(min(BLOCK, n - start), seed + start, moved)
        part.to_csv(path, index=False, mode="a", header=not start)


def _study(rows: int, s: Settings) -> Measures:
    """Run a default study on files; return seconds, those to the first answer, and memory."""
    with tempfile.TemporaryDirectory() as place:
        folder, command = Path(place), [Path(sys.executable).with_name("fourfold"), "study"]
        parts = {"source": (rows, 0, 0.0), "target": (s.labels, 1, 0.3)}
        parts["evaluate"] = (s.evaluate, 2, 0.3)
        for name, part in parts.items():
            _write(folder / f"{name}.csv", *part)
            command += [f"--{name}", folder / f"{name}.csv"]
        output = folder / "study"
        began, first, peak = time.perf_counter(), 0.0, 0
        with subprocess.Popen(
            [*command, "--label", "bad", "--metric", "auc", "--output", output],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None:
                peak = max(peak, _memory(process.pid))
                if not first and (output / "best" / "bundle.json").exists():
                    first = time.perf_counter() - began
                time.sleep(EVERY)
            said = process.communicate()[1]
        seconds = time.perf_counter() - began
        if process.returncode or not (output / "report.html").exists():
            raise FourfoldError(f"the study must end with a report; it said: {said.strip()}")
    return {"seconds": seconds, "first answer": first, "GB": peak / 1e9}


def _memory(pid: int) -> int:
    """Return the bytes that a process and its children hold for themselves."""
    total, waiting = 0, [pid]
    while waiting:
        place = Path("/proc") / str(waiting.pop())
        try:
            about = (place / "status").read_text("utf-8")
            children = (place / "task" / place.name / "children").read_text("utf-8")
        except OSError:  # it has ended
            continue
        total += sum(int(kb) for kb in re.findall(r"(?:RssAnon|RssShmem):\s+(\d+)", about)) * 1024
        waiting += [int(child) for child in children.split()]
    return total


def _figures(medians: Medians) -> dict[str, float]:
    sizes = sorted(int(name) for name in medians)
    seconds = [medians[str(n)]["seconds"] for n in sizes]
    whole = medians[str(Settings.rows)]
    return {
        "seconds": whole["seconds"],
        "seconds_to_first_answer": whole["first answer"],
        "peak_gb": whole["GB"],
        "exponent": float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]),
    }


def _side(rows: int) -> Callable[[Settings], Measures]:
    return lambda s: _study(min(rows, s.most), s)


BENCHMARK: Final = Benchmark(
    name="tables_large",
    title="Default studies with a source of up to three million rows",
    counts="""
      · Loans of 28 columns and a label, drawn: 22 numbers, of which one has missing cells, and 6
        categories; the target and the rows to evaluate on have moved numbers and a higher rate.
      · `fourfold study` with all defaults on CSV files, from the start of the process to the
        report; first answer: to the first model in the folder `best`.
      · GB: most anonymous memory of the process and its children at one time.
      · exponent: slope of log seconds in log rows, from 10,000 to 3,000,000.
    """,
    sides={str(n): _side(n) for n in (*Settings.sizes, Settings.rows)},
    figures=_figures,
    targets={
        "seconds": Target("≤", 150),
        "seconds_to_first_answer": Target("≤", 40),
        "peak_gb": Target("≤", 2),
        "exponent": Target("≤", 1.05),
    },
    packages=("torch", "scikit-learn", "numpy", "pandas", "pyarrow", "lightgbm"),
    settings=Settings(),
    quick=Settings(labels=60, evaluate=200, most=300),
    rounds=1,
)
