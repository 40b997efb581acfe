"""Hostile bundles: loading refuses each of them in a sentence, and runs nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.faults.children import Case, WrongError, in_child, run_cases
from benchmarks.faults.log import Log
from benchmarks.hostile import HOSTILE, KINDS, make
from fourfold import load

if TYPE_CHECKING:
    from benchmarks.faults.settings import Settings
    from benchmarks.harness import Measures

__all__ = ["attack"]


def attack(s: Settings) -> Measures:
    """Spoil a good bundle in each way, and load it."""
    log = Log("bundles", s.seed)
    with TemporaryDirectory(dir=log.folder) as folder:
        good, place, mark = Path(folder, "good"), Path(folder, "place"), Path(folder, "mark")
        for kind in KINDS:
            (good / kind).mkdir(parents=True)
            in_child(lambda kind=kind: str(make(kind, good / kind)), s.limits)
        for name, hostile in HOSTILE.items():
            if name in log:
                continue

            def work(name: str = name) -> None:
                HOSTILE[name].spoil(place / "bundle", mark)
                try:
                    load(place / "bundle")
                finally:
                    if mark.exists():
                        raise WrongError("its code ran")
                raise WrongError("it was loaded")

            shutil.move(good / hostile.kind, place)  # an encoder is named by its path
            shutil.copytree(place, good / hostile.kind, symlinks=True)
            log.add(name, list(run_cases([Case(name, work)], s.limits)))
            shutil.rmtree(place)
    return log.measures()
