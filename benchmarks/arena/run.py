"""The run: every side of every task in a process of its own, unless its record is there."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from benchmarks.arena import records
from benchmarks.arena.pairs import PAIRS
from benchmarks.arena.sides import SIDES, Settings, measure
from benchmarks.harness import ROOT
from fourfold.core.digests import folder_digests
from fourfold.core.version import VERSION
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.arena.task import Task

__all__ = ["QUICK", "SETTINGS", "chosen", "found", "key", "run", "run_one"]

QUICK: Final = ("relapse/50/0", "births/50/0", "labour/50/0", "leaves/0/0", "clusters-digits/60/0")
"""Small tasks of packages' and few data, for a first look."""
SETTINGS: Final = Settings()


def chosen(cell: str | None = None, pattern: str = "*", *, quick: bool = False) -> list[Task]:
    """Return the tasks of a group whose names match a pattern: first draws of all pairs first.

    Raises
    ------
    ParameterError
        If there is none.
    """
    tasks = [task for pair in PAIRS for task in pair.tasks if cell in (None, pair.group)]
    tasks = [t for t in tasks if fnmatch(t.name, pattern) and (not quick or t.name in QUICK)]
    if not tasks:
        groups = ", ".join(dict.fromkeys(pair.group for pair in PAIRS))
        raise ParameterError(
            f"cell and tasks must leave some, of {groups}; got {cell or 'every cell'}, {pattern!r}"
        )
    return sorted(tasks, key=lambda task: task.draw)


def key(side: str, task: Task) -> str:
    """Return the digest of all settings of one side of a task; of scripts, also of their code."""
    sizes = {"seeds": SETTINGS.seeds, "folds": SETTINGS.folds}
    return records.digest(side, task.fields, sizes, VERSION, *_code(side))


def _code(side: str) -> list[dict[str, str]]:
    if side != "script":
        return []
    written = folder_digests(Path(__file__).parent / "peers")
    return [{name: one for name, one in written.items() if name.endswith(".py")}]


def run(
    tasks: Sequence[Task],
    sides: Sequence[str],
    *,
    again: bool = False,
    folder: Path = records.FOLDER,
) -> list[str]:
    """Measure the sides without a record; return the failures, a sentence each.

    Parameters
    ----------
    tasks, sides
        Names of the sides.
    again
        Whether to measure also those with a record.
    folder
        Folder of the records.
    """
    failures = []
    wanted = [
        (task, side)
        for task in tasks
        for side in sides
        if again or records.read(side, task.name, key(side, task), folder) is None
    ]
    with Console(stderr=True).status("") as status:
        for number, (task, side) in enumerate(wanted, 1):
            status.update(f"arena, {number} of {len(wanted)}: {task.name}, {side}")
            command = ["arena", "--side", side, "--tasks", task.name]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks", *command],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                said = done.stderr.strip().splitlines() or ["it ended without a word"]
                failures.append(f"{task.name}, {side}: {said[-1]}")
                status.console.print(failures[-1])
    return failures


def run_one(side: str, name: str) -> None:
    """Measure one side of one task, here, and write its record.

    Raises
    ------
    ParameterError
        If there is no such side or task.
    """
    if side not in SIDES:
        raise ParameterError(f"side must be one of {', '.join(SIDES)}; got {side!r}")
    (task,) = chosen(pattern=name)
    record = measure(side, task, records.FOLDER, SETTINGS)
    records.write(side, name, {**record, "settings": key(side, task)}, records.FOLDER)


def found(tasks: Sequence[Task], folder: Path = records.FOLDER) -> list[dict[str, dict[str, Any]]]:
    """Return the records by side of the tasks of which study and script have seen the same data."""
    both = []
    for task in tasks:
        kept = {side: records.read(side, task.name, key(side, task), folder) for side in SIDES}
        own = {side: record for side, record in kept.items() if record is not None}
        if {"default", "script"} <= own.keys() and _same([own["default"], own["script"]]):
            both.append(own)
    return both


def _same(kept: Sequence[dict[str, Any]]) -> bool:
    return len({record["data"] for record in kept}) == 1
