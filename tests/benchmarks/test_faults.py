"""A short attack does no harm, and would say so if it did; all hostile bundles: tests/security."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.faults import BENCHMARK
from benchmarks.faults.children import FAULTS
from benchmarks.harness import ROOT

HARM = """
import json
import os
import signal
import numpy as np
from benchmarks.faults.children import Case, Limits, WrongError, run_cases
from fourfold.errors import DataError

def raise_(error):
    raise error

kept = []
cases = [
    lambda: None,
    lambda: raise_(DataError("X must be whole; got a part")),
    lambda: raise_(DataError("two\\nlines")),
    lambda: raise_(KeyError("name")),
    lambda: os.kill(os.getpid(), signal.SIGSEGV),
    lambda: raise_(WrongError("1, not 2")),
    lambda: kept.append(np.ones(1 << 25)),
    lambda: raise_(MemoryError()),
    signal.pause,
    lambda: None,
]
limits = Limits(seconds=5.0, memory=1 << 27)
found = run_cases([Case(str(i), case) for i, case in enumerate(cases)], limits)
print(json.dumps([verdict.fault for verdict in found]))
"""

CASES = {"kills": 2, "flips": 20, "inputs": 520}
ATTACK = """
import sys
from benchmarks.__main__ import main

for side in sys.argv[1:]:
    sys.argv = ["benchmarks", "faults", "--side", side, "--quick"]
    assert main() == 0
"""


def run(*command):
    """Return what a program prints: a line of JSON each."""
    done = subprocess.run(
        [sys.executable, "-c", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def attacks():
    """What short attacks find, by their side; one process for all: its imports take long."""
    return dict(zip(CASES, run(ATTACK, *CASES), strict=True))


def test_every_fault_is_seen_and_the_next_case_runs():
    crash, hang, memory, wrong = FAULTS
    ends = ["", "", crash, crash, crash, wrong, memory, memory, hang, ""]
    assert run(HARM) == [ends]


@pytest.mark.parametrize(("side", "cases"), CASES.items())
def test_a_short_attack_does_no_harm(attacks, side, cases):
    found = attacks[side]
    assert {fault: found[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert found["cases"] >= cases


def test_a_single_fault_is_no_target_met():
    counts = {"cases": 1.0, "refused": 0.0, **dict.fromkeys(FAULTS, 0.0)}
    figures = BENCHMARK.figures({"kills": counts, "flips": {**counts, "hangs": 1.0}})
    met = {fault: BENCHMARK.targets[fault].met(figures[fault]) for fault in FAULTS}
    assert met == {**dict.fromkeys(FAULTS, True), "hangs": False}
