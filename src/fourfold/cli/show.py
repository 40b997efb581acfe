"""Terminal output of results, and of the store."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fourfold.cli.console import open_console, table
from fourfold.cli.flags import with_flags
from fourfold.core.wording import in_words
from fourfold.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.table import Table

    from fourfold.frozen.store import Store
    from fourfold.study import JointResult, Result, Study
    from fourfold.study.gate import Interval
    from fourfold.study.leaderboard import Gain, LeaderboardRow

__all__ = ["failures", "show_end", "show_found", "show_store"]

LATEST: Final = 20
"""Entries of the store that are printed."""
COLOURS = {"helped": "green", "hurt": "red", "undecided": "yellow"}


def show_end(study: Study, *, chosen: bool) -> dict[str, str]:
    """Print and report the result of a study, the one so far after Ctrl-C; return its failures."""
    from fourfold.report import write_report

    if study.found is None:
        return {}
    write_report([study.found], study.output / "report.html")
    failed = failures(study.found, chosen=chosen)
    show_found(study.found, study.output, failed)
    return failed


def failures(found: Result | JointResult, *, chosen: bool) -> dict[str, str]:
    """Return the baselines that failed and, where they were ``chosen``, methods: name → reason."""
    from fourfold.study import JointResult

    results = found.results.values() if isinstance(found, JointResult) else [found]
    lines = [line for result in results for line in result.lines]
    return {
        line.method: line.error
        for line in lines
        if line.error and (chosen or line.role == "baseline")
    }


def show_found(
    found: Result | JointResult, folder: Path, failed: Mapping[str, str] | None = None
) -> None:
    """Print the result of a study: its table, the verdict, and the places of models and report.

    What failed is said first.
    """
    from fourfold.study import JointResult

    console = open_console()
    for method, reason in (failed or {}).items():
        console.print(f"Failed: {method}: {reason}", style="bold red")
    console.print(found.title, style="bold")
    if isinstance(found, JointResult):
        console.print(_task_table(found))
        for line in found.lines:
            console.print(f"Δm  {line.method}: {line.error or _delta(line.delta)}")
        (by,) = {result.chosen_by.partition(",")[0] for result in found.results.values()}
        model = f"→ Each task's model is in {folder / 'best'}; chosen by {by}."
    else:
        console.print(_leaderboard(found))
        by, name = found.chosen_by, found.shipped
        model = f"→ The model, {name}, is in {folder / 'best'}; chosen by {by}." if name else ""
    console.print(found.sentence, style=f"bold {COLOURS[found.verdict]}")
    for note in found.notes:
        console.print(f"Note: {with_flags(note)}")
    if model:
        console.print(model)
    report = folder / "report.html"
    written = f"The report is {report}; " if report.exists() else ""
    console.print(f"{written}{found.seconds:.0f} s in all.")


def _task_table(found: JointResult) -> Table:
    """Return the gain of each task from sharing."""
    shown = table("task", "score", "best alone", *(line.method for line in found.lines), "→")
    for name, result in found.results.items():
        best = next((line for line in result.lines if line.method == result.best_baseline), None)
        alone = f"{_mean(best)} {best.method}" if best is not None else "-"
        gains = [_gain(line.gains[name]) for line in found.lines]
        metric = in_words(result.metric) + (" (lower)" if result.lower_is_better else "")
        shown.add_row(name, metric, alone, *gains, found.shipped.get(name, "-"))
    return shown


def _leaderboard(result: Result) -> Table:
    metric = in_words(result.metric).replace(" ", "\n")  # headers no wider than their columns
    metric += "\n(lower)" if result.lower_is_better else ""
    sides = list(dict.fromkeys(side for line in result.lines for side in line.sides))
    gap = "against the\nbest baseline"
    shown = table("", "method", metric, *sides, gap, "verdict", "s/fit")
    for column in (*range(2, 4 + len(sides)), 5 + len(sides)):
        shown.columns[column].justify = "right"
    for line in result.lines:
        ships, (method, score, *rest) = line.method == result.shipped, _cells(line)
        beside = [f"{line.sides[side]:.3f}" if side in line.sides else "" for side in sides]
        cells = ["→" if ships else "", method, score, *beside, *rest]
        shown.add_row(*cells, style="bold" if ships else None)
    return shown


def _gain(gain: Gain) -> Text:
    size = f"{gain.difference.mean:+.3f}" if gain.difference else "-"
    return Text(f"{size} {gain.verdict}", COLOURS[gain.verdict])


def _delta(delta: Interval | None) -> str:
    if delta is None:
        return "unknown"
    return f"{delta.mean:+.1f} % [{delta.low:+.1f}, {delta.high:+.1f}], below zero is better"


def _mean(line: LeaderboardRow) -> str:
    return f"{sum(line.scores) / len(line.scores):.3f}" if line.scores else "-"


def show_store(store: Store) -> None:
    """Print the entries of a store that were used last."""
    console = open_console()
    entries = store.entries()
    shown = table("kind", "key", "MB", "last used")
    shown.columns[2].justify = "right"
    for entry in entries[:LATEST]:
        used = dt.datetime.fromtimestamp(entry.used).astimezone()
        shown.add_row(entry.kind, entry.key, f"{entry.bytes / 1e6:.1f}", f"{used:%Y-%m-%d %H:%M}")
    if entries:
        console.print(shown)
    if more := len(entries[LATEST:]):
        console.print(f"and {counted(more, 'older one')}")
    console.print(f"{store.size / 1e6:.1f} MB in {store.path}; fourfold cache --clear removes them")


def _cells(line: LeaderboardRow) -> tuple[str | Text, ...]:
    if line.error:
        return line.method, "-", "", "failed", "-"
    mean = _mean(line)
    verdict = Text(line.verdict, COLOURS[line.verdict]) if line.verdict else Text("baseline")
    if line.stopped:
        verdict = Text("stopped")
    gap = line.difference
    interval = f"{gap.mean:+.3f}" if gap else ""
    if gap and math.isfinite(gap.high - gap.low):
        interval += f" [{gap.low:+.3f}, {gap.high:+.3f}]"
    return line.method, mean, interval, verdict, f"{line.seconds:.1f}"
