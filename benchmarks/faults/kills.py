"""Kills at drawn moments: files are whole, work goes on to the same end, and nobody lives on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.faults.children import Case, Child, Verdict, WrongError, in_child, run_cases
from benchmarks.faults.log import Log
from benchmarks.faults.work import WORKS

if TYPE_CHECKING:
    from benchmarks.faults.settings import Settings
    from benchmarks.harness import Measures

__all__ = ["attack"]

TURNS: Final = ("study", "store", "study", "model", "study of two jobs", "store", "predictions")
"""Works that are killed, in turn."""


def attack(s: Settings) -> Measures:
    """Kill each work at moments drawn from its whole time."""
    log = Log("kills", s.seed)
    right: dict[str, tuple[set[str], float]] = {}
    for i in range(s.kills):
        name = TURNS[i % len(TURNS)]
        if f"{i} {name}" in log:
            continue
        with TemporaryDirectory(dir=log.folder) as folder:
            if name not in right:
                right[name] = _right(name, Path(folder, "right"), s)
            share = np.random.default_rng([s.seed, i]).random()
            verdict = _kill(name, Path(folder, "killed"), *right[name], share, s)
            log.add(f"{i} {name}", [verdict])
    return log.measures()


def _right(name: str, folder: Path, s: Settings) -> tuple[set[str], float]:
    """Return digests of the outcome before the work and after it, and the work's seconds."""
    work = WORKS[name]
    folder.mkdir()
    in_child(lambda: work.prepare(folder), s.limits)
    spare = Path(shutil.copytree(folder, f"{folder} before"))
    before = in_child(lambda: work.outcome(spare), s.limits)
    began = time.monotonic()
    in_child(lambda: work.start(folder), s.limits)
    seconds = time.monotonic() - began
    return {before, in_child(lambda: work.outcome(folder), s.limits)}, seconds


def _kill(
    name: str, folder: Path, right: set[str], seconds: float, share: float, s: Settings
) -> Verdict:
    """Kill the work after a share of its seconds, and judge its outcome."""
    work = WORKS[name]
    folder.mkdir()
    in_child(lambda: work.prepare(folder), s.limits)
    child = Child(lambda _: work.start(folder), s.limits.memory)
    child.line(share * seconds)
    child.kill()
    if not child.leaves_nobody():
        return Verdict("hangs", f"children of the killed process live on after {share:.2f}")

    def outcome() -> None:
        found = work.outcome(folder)
        if found not in right:
            raise WrongError(f"killed after {share:.3f} of its time: {found}, not {right}")

    [verdict] = run_cases([Case(name, outcome)], s.limits)
    if verdict.said and not verdict.fault:  # nothing was damaged, so nothing may be refused
        return Verdict("crashes", verdict.said)
    return verdict
