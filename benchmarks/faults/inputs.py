"""Mutated inputs of every format, read in children: each is read, or refused in a sentence."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.faults.children import Case, run_cases
from benchmarks.faults.log import Log
from benchmarks.faults.mutate import FORMATS, mutate
from fourfold import max_memory

if TYPE_CHECKING:
    from benchmarks.faults.settings import Settings
    from benchmarks.harness import Measures

__all__ = ["attack"]

CHUNK: Final = 1000
"""Inputs that one child reads, unless one ends it."""


def attack(s: Settings) -> Measures:
    """Read mutated inputs of each format, in as many children as there are cores."""
    log = Log("inputs", s)
    samples = {name: form.samples() for name, form in FORMATS.items()}
    with TemporaryDirectory(dir=log.folder) as folder, ThreadPoolExecutor(os.cpu_count()) as cores:
        chunks = [
            (name, start)
            for start, name in product(range(0, s.inputs, CHUNK), FORMATS)
            if f"{name} {start}" not in log
        ]

        def read(name: str, start: int) -> None:
            inputs = range(start, min(start + CHUNK, s.inputs))
            cases = [_case(name, i, samples[name], Path(folder), s) for i in inputs]
            log.add(f"{name} {start}", list(run_cases(cases, s.limits)))

        for _ in cores.map(read, *zip(*chunks, strict=True)):
            pass
    return log.measures()


def _case(name: str, i: int, samples: list[bytes], folder: Path, s: Settings) -> Case:
    rng = np.random.default_rng([s.seed, i, *name.encode()])
    sample = samples[i % len(samples)]
    return Case(f"{name} {i}", partial(_read, name, sample, rng, folder, s.limits.memory // 2))


def _read(name: str, sample: bytes, rng: np.random.Generator, folder: Path, limit: int) -> None:
    with TemporaryDirectory(dir=folder) as place, max_memory(limit):
        file = Path(place, f"input{FORMATS[name].ending}")
        file.write_bytes(mutate(sample, rng))
        FORMATS[name].read(file)
