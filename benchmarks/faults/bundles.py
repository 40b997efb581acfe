"""Hostile bundles: loading refuses each of them in a sentence, and runs nothing."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.faults.children import Case, WrongError, in_child, run_cases
from benchmarks.faults.hostile import HOSTILE, KINDS, make
from benchmarks.faults.log import Log
from fourfold import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.faults.settings import Settings
    from benchmarks.harness import Measures

__all__ = ["attack"]


def attack(s: Settings) -> Measures:
    """Spoil a good bundle in each way, and load it."""
    log = Log("bundles", s.seed)
    with TemporaryDirectory(dir=log.folder) as folder:
        kept, mark = Path(folder, "kept"), Path(folder, "mark")
        places = {kind: Path(folder, kind) for kind in KINDS}
        for kind, place in places.items():
            place.mkdir()
            in_child(lambda kind=kind, place=place: str(make(kind, place)), s.limits)
        for name, hostile in HOSTILE.items():
            if name in log:
                continue
            place = places[hostile.kind]
            shutil.copytree(place, kept)
            case = Case(name, partial(_load, hostile.spoil, place / "bundle", mark))
            log.add(name, list(run_cases([case], s.limits)))
            shutil.rmtree(place)
            kept.rename(place)  # back: models name their encoders by their paths
    return log.measures()


def _load(spoil: Callable[[Path, Path], object], bundle: Path, mark: Path) -> None:
    spoil(bundle, mark)
    try:
        load(bundle)
    finally:
        if mark.exists():
            raise WrongError("its code ran")
    raise WrongError("it was loaded")
