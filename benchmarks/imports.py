"""Seconds of ``import fourfold``, beside ``import torch``."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from benchmarks.harness import Benchmark, Measures, Medians, Target


@final
@dataclass(frozen=True)
class Settings:
    """Nothing is to be set."""


def _timed(*command: str) -> Measures:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return {"seconds": time.perf_counter() - began}


def _figures(medians: Medians) -> dict[str, float]:
    torch = medians["import torch"]["seconds"]
    return {
        "import_vs_torch": medians["import fourfold"]["seconds"] / torch,
        "help_vs_torch": medians["fourfold --help"]["seconds"] / torch,
    }


BENCHMARK: Final = Benchmark(
    name="import",
    title="until fourfold is there, beside torch",
    counts="""
      · Each time is a whole process's, from its start to its end, Python's start included.
    """,
    sides={
        "import fourfold": lambda _: _timed(sys.executable, "-c", "import fourfold"),
        "fourfold --help": lambda _: _timed(
            str(Path(sys.executable).with_name("fourfold")), "--help"
        ),
        "import torch": lambda _: _timed(sys.executable, "-c", "import torch"),
    },
    figures=_figures,
    targets={"import_vs_torch": Target("≤", 0.2), "help_vs_torch": Target("≤", 0.2)},
    packages=("torch",),
    settings=Settings(),
    quick=Settings(),
    rounds=15,
)
