"""Flipped bits and cuts in files of every kind: content is as it was, or is refused."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.faults.children import Case, Verdict, WrongError, in_child, run_cases
from benchmarks.faults.log import Log
from benchmarks.faults.work import WORKS

if TYPE_CHECKING:
    from benchmarks.faults.settings import Settings
    from benchmarks.harness import Measures

__all__ = ["attack"]

DAMAGED: Final = ("study", "store", "model", "training", "data")
"""Works whose files are damaged."""
UNREAD: Final = ("CACHEDIR.TAG", ".lock")
"""Files without content."""


def attack(s: Settings) -> Measures:
    """Damage files of each kind in turn, and go on from there."""
    log = Log("flips", s.seed)
    with TemporaryDirectory(dir=log.folder) as folder:
        whole, right = Path(folder, "whole"), {}
        for name in DAMAGED:
            work, path = WORKS[name], whole / name
            path.mkdir(parents=True)
            in_child(partial(work.prepare, path), s.limits)
            in_child(partial(work.start, path), s.limits)
            spare = Path(shutil.copytree(path, Path(folder, "spare")))
            right[name] = in_child(partial(work.outcome, spare), s.limits)
            shutil.rmtree(spare)
        kinds = _kinds(whole)

        def flip(i: int) -> None:
            kind = sorted(kinds)[i % len(kinds)]
            if f"{i} {kind}" not in log:
                verdict = _flip(whole, kinds[kind], right, np.random.default_rng([s.seed, i]), s)
                log.add(f"{i} {kind}", [verdict])

        with ThreadPoolExecutor(os.cpu_count()) as cores:
            for _ in cores.map(flip, range(s.flips)):
                pass
    return log.measures()


def _flip(
    whole: Path, files: list[Path], right: dict[str, str], rng: np.random.Generator, s: Settings
) -> Verdict:
    """Damage one of the files in a copy of its work, and judge the outcome."""
    file = files[rng.integers(len(files))]
    content, how = _damage((whole / file).read_bytes(), rng)
    name = file.parts[0]
    with TemporaryDirectory(dir=whole.parent) as folder:
        damaged = Path(shutil.copytree(whole / name, Path(folder, "damaged")))
        (damaged / file.relative_to(name)).write_bytes(content)

        def outcome() -> None:
            found = WORKS[name].outcome(damaged)
            if found != right[name]:
                raise WrongError(f"{file}, {how}: {found}, not {right[name]}")

        [verdict] = run_cases([Case(name, outcome)], s.limits)
    return verdict


def _kinds(whole: Path) -> dict[str, list[Path]]:
    """Return the files by their kind: the work, the folder in it, and the ending."""
    kinds = defaultdict(list)
    for file in sorted(whole.rglob("*")):
        if file.is_file() and file.name not in UNREAD and file.stat().st_size:
            within = file.relative_to(whole)
            kinds[" ".join((*within.parts[:-1][:3], file.suffix or file.name))].append(within)
    return kinds


def _damage(whole: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Flip a bit, cut the file, empty it, or overwrite a run of bytes with zeros."""
    content = bytearray(whole)
    at = int(rng.integers(len(content)))
    how = rng.choice(["flip", "flip", "flip", "cut", "empty", "zeros"])
    if how == "flip":
        content[at] ^= 1 << int(rng.integers(8))
    elif how == "zeros":
        content[at : at + 512] = bytes(len(content[at : at + 512]))
    else:
        del content[0 if how == "empty" else at :]
    return bytes(content), f"{how} at {at}"
