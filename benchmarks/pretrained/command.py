"""The command: ``python -m benchmarks pretrained [--cases PATTERN] [--sides NAMES]``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.pretrained.cases import CASES, make
from benchmarks.pretrained.sides import SIDES
from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["main"]

FOLDER: Final = ROOT / "runs" / "pretrained"
RESULT: Final = ROOT / "benchmarks" / "results" / "pretrained.json"
OURS: Final = ("ships", "LinearProbe", "JointTraining", "FineTune")


def main(arguments: Sequence[str]) -> int:
    """Measure pretrained networks beside peers; parts that are there are not repeated."""
    parser = argparse.ArgumentParser("python -m benchmarks pretrained", description=main.__doc__)
    parser.add_argument("--cases", default="*", help="only cases of this pattern, e.g. 'emoji/5/*'")
    parser.add_argument("--sides", default=",".join(SIDES), help="some of %(default)s")
    parser.add_argument("--side", help=argparse.SUPPRESS)  # what a process of its own runs
    asked = parser.parse_args(arguments)
    if asked.side is not None:
        _one(asked.side, asked.cases)
        return 0
    sides = asked.sides.split(",")
    if strange := set(sides) - set(SIDES):
        parser.error(f"--sides must be some of {', '.join(SIDES)}; got {', '.join(strange)}")
    failed = 0
    for case in [name for name in CASES if fnmatchcase(name, asked.cases)]:
        for side in sides:
            if not _place(side, case).exists():
                failed += _apart(side, case)
    _conclude()
    return 1 if failed else 0


def _place(side: str, case: str) -> Path:
    return FOLDER / side / f"{case.replace('/', ' ')}.json"


def _apart(side: str, case: str) -> int:
    """Run a side in a process of its own, as its users do."""
    command = [sys.executable, "-m", "benchmarks", "pretrained", "--side", side, "--cases", case]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"{side}, {case}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return int(done.returncode != 0)


def _one(side: str, name: str) -> None:
    import torch

    torch.set_num_threads(1)
    case = make(name)
    began = time.perf_counter()
    score = SIDES[side](case)
    record = {"score": score, "seconds": time.perf_counter() - began}
    place = _place(side, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as part:
        part.write_text(json.dumps(record) + "\n", "utf-8")


def _conclude() -> None:
    """Write the mean accuracy of each side by group of cases, and ours minus the best peer's."""
    scores: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for case in CASES:
        *group, _ = case.split("/")
        for side in SIDES:
            if _place(side, case).exists():
                record = json.loads(_place(side, case).read_text("utf-8"))
                scores["/".join(group)][side][case] = record["score"]
    found = {
        group: {
            side: {"mean": float(np.mean([*values.values()])), "cases": len(values)}
            for side, values in sides.items()
        }
        for group, sides in scores.items()
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for group, sides in found.items():
        shown = ", ".join(f"{s} {v['mean']:.3f} ({v['cases']})" for s, v in sides.items())
        print(f"{group}: {shown}")
