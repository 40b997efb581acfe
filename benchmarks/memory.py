"""Training on a memory map that is larger than memory may be."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, final

import numpy as np

from benchmarks.harness import Benchmark, Measures, Medians, Target
from fourfold.errors import FileError

EVERY: Final = 0.02
"""Seconds between two looks at the memory."""
BLOCK: Final = 4096
"""Rows that are written at a time."""


@final
@dataclass(frozen=True)
class Settings:
    """The map's rows and columns of float32, and how long a network trains on it."""

    rows: int = 2**21
    columns: int = 1024
    steps: int = 1000
    batch: int = 64

    @property
    def bytes(self) -> int:
        """Return the size of the map."""
        return self.rows * self.columns * 4


@final
class Peak:
    """The most anonymous and shared memory that this process had while the block ran, in MB.

    Pages of a mapped file count as resident, but are the system's to take back; they are left out.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, anonymous())
            if self._over.wait(EVERY):
                return


def anonymous() -> float:
    """Return this process's RssAnon + RssShmem in MB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    about = dict(line.split(":", 1) for line in lines)
    return sum(int(about[name].split()[0]) for name in ("RssAnon", "RssShmem")) * 1024 / 1e6


def write(path: Path, s: Settings) -> np.ndarray:
    """Write normal numbers, block by block; return labels (rows,) that can be learnt from them.

    Raises
    ------
    FileError
        If the disk has too little room.
    """
    free = shutil.disk_usage(path.parent).free
    if free < 1.1 * s.bytes:
        raise FileError(
            f"{path.parent} must have {1.1 * s.bytes / 1e9:.1f} GB free; got {free / 1e9:.1f}: set "
            "TMPDIR to a folder on a larger disk"
        )
    random, labels = np.random.default_rng(0), np.empty(s.rows, np.int64)
    with path.open("wb") as file:
        for at in range(0, s.rows, BLOCK):
            size = min(BLOCK, s.rows - at)
            block = random.standard_normal((size, s.columns), np.float32)
            labels[at : at + size] = block[:, :8].sum(axis=1) > 0
            block.tofile(file)
    return labels


def _fourfold(s: Settings) -> Measures:
    from fourfold import Domain, Mlp, Recipe, TargetOnly, keep_memory

    imports = anonymous()
    keep_memory()
    with tempfile.TemporaryDirectory() as folder, Peak() as peak:
        path = Path(folder, "rows.f32")
        y = write(path, s)
        X = np.memmap(path, np.float32, "r", shape=(s.rows, s.columns))
        recipe = Recipe(steps=s.steps, batch_size=s.batch)
        model = TargetOnly(network=Mlp(), recipe=recipe).fit(Domain(X, y))
    return {
        "peak MB": peak.megabytes,
        "imports MB": imports,
        "training seconds": model.history_.seconds,
        "loss": model.history_.losses[-1][0],
    }


def _figures(medians: Medians) -> dict[str, float]:
    found = medians["fourfold"]
    return {"peak_mb_over_imports": found["peak MB"] - found["imports MB"]}


BENCHMARK: Final = Benchmark(
    name="memory",
    title="TargetOnly with an Mlp on a memory map of 8 GB",
    counts="""
      · RssAnon + RssShmem of the process, every 20 ms, from after the imports to the end: writing
        the map, reading it whole to check and standardize it, training.
      · The process is set up by keep_memory(), which lets it hold on to freed memory.
    """,
    sides={"fourfold": _fourfold},
    figures=_figures,
    targets={"peak_mb_over_imports": Target("≤", 500)},
    packages=("torch", "numpy", "scikit-learn"),
    settings=Settings(),
    quick=Settings(rows=2**14, columns=64, steps=20),
    rounds=3,
)
