"""The command: ``python -m benchmarks NAME [--rounds N] [--sides SIDE …]``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from typing import TYPE_CHECKING, Final

from benchmarks import harness, outcome
from fourfold.errors import FourfoldError

if TYPE_CHECKING:
    from benchmarks.harness import Benchmark

FILES: Final = {
    "loop": "loop",
    "frozen": "frozen",
    "memory": "memory",
    "import": "imports",
    "finetuning": "finetuning",
    "layers": "layers",
    "multitask": "multitask",
    "progressive": "progressive",
    "selftaught": "selftaught",
    "sparse": "sparse",
    "zeroshot": "zeroshot",
    "labels": "labels",
    "texts": "texts",
    "clustering": "clustering",
    "faults": "faults",
    "store": "store",
    "verdict": "verdict",
    "pick": "pick",
    "one_label": "one_label",
    "tables_large": "tables_large",
    "tables_dirty": "tables_dirty",
    "adaptation": "adaptation",
}
"""Benchmark → its file here; ``import`` is no name for one."""


COMMANDS: Final = {
    "arena": "arena.command",
    "speech": "speech.command",
    "pretrained": "pretrained.command",
}
"""Benchmark with options of its own → the file of its command."""


def main() -> int:
    """Run a benchmark, or in a process of its own one side of it."""
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        command = importlib.import_module(f"benchmarks.{COMMANDS[sys.argv[1]]}")
        return int(command.main(sys.argv[2:]))
    parser = _parser()
    asked = parser.parse_args()
    module = importlib.import_module(f"benchmarks.{FILES[asked.name]}")
    benchmark: Benchmark = module.BENCHMARK
    for side in (*(asked.sides or ()), asked.side):
        if side not in (None, *benchmark.sides):
            parser.error(f"a side must be one of {', '.join(benchmark.sides)}; got {side!r}")
    try:
        if asked.side is not None:
            print(json.dumps(benchmark.sides[asked.side](benchmark.chosen(quick=asked.quick))))
            return 0
        found = harness.measure(
            benchmark,
            rounds=asked.rounds,
            quick=asked.quick,
            sides=asked.sides,
            stored=outcome.stored(benchmark) if asked.sides is not None and not asked.quick else {},
        )
    except FourfoldError as error:
        print(error, file=sys.stderr)
        return 2
    outcome.show(found)
    if not asked.quick:
        print(f"written to {outcome.write(found)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=main.__doc__)
    parser.add_argument("name", choices=[*FILES, *COMMANDS])
    parser.add_argument("--rounds", type=int, help="how often each side runs")
    parser.add_argument(
        "--sides", nargs="*", help="sides that run; the others stay as the last results have them"
    )
    parser.add_argument("--side", help=argparse.SUPPRESS)  # what a process of a benchmark runs
    parser.add_argument("--quick", action="store_true", help=argparse.SUPPRESS)  # for a test
    return parser


if __name__ == "__main__":
    sys.exit(main())
