"""The command: ``python -m benchmarks arena [--cell CELL] [--tasks PATTERN] [--learn]``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks.arena import picture, results, rules
from benchmarks.arena.figures import bouts, places
from benchmarks.arena.run import chosen, found, run, run_one
from benchmarks.arena.sides import SIDES
from fourfold.errors import FourfoldError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Measure shipped models beside scripts, on real pairs; finished sides are taken over."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    sides = asked.sides.split(",")
    if strange := set(sides) - set(SIDES):
        parser.error(f"--sides must be some of {', '.join(SIDES)}; got {', '.join(strange)}")
    try:
        if asked.side is not None:
            run_one(asked.side, asked.tasks)
            return 0
        tasks = chosen(asked.cell, asked.tasks, quick=asked.quick)
    except FourfoldError as error:
        print(error, file=sys.stderr)
        return 2
    failures = run(tasks, sides, again=asked.again)
    if asked.learn:
        print(f"written to {rules.write(tasks)}")
    records = found(tasks)
    if records:
        results.show(records)
    if records and asked.tasks == "*" and not asked.quick:
        name = "arena" if asked.cell is None else f"arena_{asked.cell}"
        path = results.write(records, name)
        picture.write(places(bouts(records)), path.with_suffix(".svg"))
        print(f"written to {path}, and drawn beside it")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks arena", description=main.__doc__)
    parser.add_argument("--cell", help="only pairs of this group, e.g. tables")
    parser.add_argument("--tasks", default="*", help="only tasks of this pattern, e.g. 'houses/*'")
    parser.add_argument("--sides", default=",".join(SIDES), help="some of %(default)s")
    parser.add_argument("--again", action="store_true", help="measure finished sides anew")
    parser.add_argument(
        "--learn", action="store_true", help="learn the prior from the studies of all candidates"
    )
    parser.add_argument("--quick", action="store_true", help="a handful of small tasks")
    parser.add_argument("--side", help=argparse.SUPPRESS)  # what a process of the arena runs
    return parser
