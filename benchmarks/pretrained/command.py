"""The command: ``python -m benchmarks pretrained [--cases PATTERN] [--sides NAMES]``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from benchmarks.harness import ROOT, code, now
from benchmarks.outcome import FOLDER, heading, machine, save
from benchmarks.pretrained.cases import CASES, make
from benchmarks.pretrained.figures import TARGETS, figures, groups
from benchmarks.pretrained.sides import COSTS, SIDES, sides_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

RESULT: Final = FOLDER / "pretrained.json"
TITLE: Final = "Pretrained networks with few labels, beside peers on the same networks"
PACKAGES: Final = ("fourfold", "torch", "transformers", "timm", "scikit-learn")
COUNTS: Final = """
  · What ships is the model of a default study with one seed, on the target's few labels and a
    source; no side sees a label of the rows to judge on. All sides have the same network.
  · Speech: five speakers, then some utterances a digit of the sixth, on openwakeword's embedding.
    Languages: English reviews or words, then Chinese reviews or French words, on
    multilingual-e5-small. Emoji: Google's, then another style, EfficientNet-Lite0 on 96 × 96.
    Texts: the sign of sentiment in another domain, all-MiniLM-L6-v2 on 64 tokens.
  · A figure against peers is the mean of what ships minus that of the peer with the best mean, over
    the cases that all sides have; texts_vs_peer is the worst of 8, 32 and 128 labels.
  · SetFit trains at most 150 steps, as the script and peft's adapters do.
  · Seconds are those of the processor on one thread; study seconds are those of a default study
    whose features are in the store, script seconds those of a logistic regression with features.
"""


def main(arguments: Sequence[str]) -> int:
    """Measure pretrained networks beside peers; finished cases of the result are taken over."""
    parser = argparse.ArgumentParser("python -m benchmarks pretrained", description=main.__doc__)
    parser.add_argument("--cases", default="*", help="only cases of this pattern, as 'emoji/5/*'")
    parser.add_argument("--sides", help=f"some of {', '.join(SIDES)}")
    parser.add_argument("--anew", action="store_true", help="repeat what older code measured")
    parser.add_argument("--minutes", type=float, default=60, help="begin nothing after so many")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # what a process of its own runs
    asked = parser.parse_args(arguments)
    if asked.one is not None:
        print(json.dumps(_one(*asked.one)))
        return 0
    sides = None if asked.sides is None else asked.sides.split(",")
    if strange := set(sides or ()) - set(SIDES):
        parser.error(f"--sides must be some of {', '.join(SIDES)}; got {', '.join(strange)}")
    end, failed, today = time.monotonic() + 60 * asked.minutes, 0, code()
    for case, side in _jobs(asked.cases, sides):
        known = _read()[_part(case)].get(case, {})
        known = known if case in COSTS else known.get(side)
        if known and not (asked.anew and known["code"] != today):
            continue
        if time.monotonic() > end:
            print("the time is over: run it again to go on", file=sys.stderr)
            break
        failed += _apart(case, side)
    _show(_read())
    return 1 if failed else 0


def _jobs(pattern: str, sides: list[str] | None) -> list[tuple[str, str]]:
    """Return cases, or costs, and sides, in the order in which they are measured."""
    costs = [(name, "") for name in COSTS if fnmatchcase(name, pattern) and sides is None]
    return costs + [
        (case, side)
        for case in CASES
        if fnmatchcase(case, pattern)
        for side in sides or sides_of(case)
    ]


def _part(case: str) -> str:
    return "costs" if case in COSTS else "cases"


def _read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    return {"costs": {}, "cases": {}, **found}


def _apart(case: str, side: str) -> int:
    """Run a side in a process of its own, as its users do, and write its record."""
    command = [sys.executable, "-m", "benchmarks", "pretrained", "--one", case, side]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"{case}, {side}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return 1
    record = json.loads(done.stdout.splitlines()[-1])  # libraries print before it
    record |= {"date": now(), "code": code()}
    found = _read()
    if case in COSTS:
        found["costs"][case] = record
    else:
        found["cases"].setdefault(case, {})[side] = record
    _write(found["cases"], found["costs"])
    return 0


def _one(case: str, side: str) -> dict[str, float]:
    """Measure in this process."""
    import torch

    torch.set_num_threads(1)
    if case in COSTS:
        return {"value": COSTS[case]()}
    made, began = make(case), time.process_time()
    score = SIDES[side](made)
    return {"score": score, "seconds": round(time.process_time() - began, 1)}


def _write(cases: dict[str, Any], costs: dict[str, Any]) -> None:
    """Write the whole result: figures, targets, means, and the record of each case."""
    about = {
        **heading("pretrained", TITLE, figures(cases, costs), TARGETS),
        "counts": [" ".join(one.split()) for one in COUNTS.split("· ")[1:]],
        "groups": groups(cases),
        "costs": costs,
        "cases": {name: cases[name] for name in CASES if name in cases},
        "versions": {package: version(package) for package in PACKAGES},
        "machine": machine(),
    }
    save(about)


def _show(found: dict[str, Any]) -> None:
    for group, sides in found.get("groups", {}).items():
        shown = ", ".join(f"{s} {v['mean']:.3f} ({v['cases']})" for s, v in sides.items())
        print(f"{group}: {shown}")
    for name, value in found.get("figures", {}).items():
        target = TARGETS.get(name)
        asked = (
            "" if target is None else f"asked {target}: {'met' if target.met(value) else 'missed'}"
        )
        print(f"{name:28} {value:8.3f}  {asked}")
