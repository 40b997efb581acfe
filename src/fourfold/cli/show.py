"""What the command line shows: the map, a leaderboard, the store."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from fourfold.methods import table
from fourfold.planner import CELLS, locate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourfold.core.store import Store
    from fourfold.domain import Domain
    from fourfold.study import Result
    from fourfold.study.result import Line

__all__ = ["show_bare_map", "show_place", "show_result", "show_store"]

COLOURS = {"helped": "green", "hurt": "red", "undecided": "yellow"}


def show_bare_map() -> None:
    """Print the map, with the methods of each cell."""
    shown = Table(title="The map of transfer learning", title_justify="left", show_lines=True)
    for column in ("cell", "source", "target", "labels", "what is done", "methods here"):
        shown.add_column(column)
    for cell in CELLS:
        shown.add_row(
            cell.name, cell.source, cell.target, cell.labels, cell.summary, _methods(cell.name)
        )
    console = Console()
    console.print(shown)
    console.print("Mark your own data on it: fourfold map --source A --target B [--label COLUMN]")


def show_place(sources: Sequence[Domain], target: Domain) -> None:
    """Print the map with the user's place, what applies, and why the rest does not."""
    plan = locate(sources, target)
    console = Console()
    for role, domain in [*(("source", source) for source in sources), ("target", target)]:
        console.print(f"{role}: {_pile(domain)}")
    shown = Table(title_justify="left")
    for column in ("", "cell", "applies", "because", "methods here"):
        shown.add_column(column)
    for name, reason in plan.reasons.items():
        here = "you →" if name == plan.cell else ""
        applies = "[green]yes[/]" if name in plan.open else "no"
        shown.add_row(here, name, applies, reason, _methods(name))
    console.print(shown)
    runs = ", ".join(plan.methods) or "nothing yet"
    console.print(f"A study runs {runs}, beside {', '.join(plan.baselines) or 'no baseline'}.")


def show_result(result: Result, folder: Path) -> None:
    """Print the leaderboard and the verdict."""
    console = Console()
    shown = Table(title=result.title, title_justify="left")
    for column in ("method", result.metric, "against the best baseline", "verdict", "s a fit"):
        shown.add_column(column, justify="left" if column in {"method", "verdict"} else "right")
    for line in result.lines:
        shown.add_row(*_cells(line, result))
    console.print(shown)
    console.print(f"[bold {COLOURS[result.verdict]}]{result.sentence}[/]")
    for note in result.notes:
        console.print(f"Note: {note}")
    if result.shipped:
        console.print(
            f"The model, {result.shipped}, is in {folder / 'best'}; chosen by {result.chosen_by}."
        )
    console.print(f"The report is {folder / 'report.html'}; {result.seconds:.0f} s in all.")


def show_store(store: Store) -> None:
    """Print what a store holds, last used first."""
    console = Console()
    entries = store.entries()
    shown = Table()
    for column in ("kind", "key", "MB", "last used"):
        shown.add_column(column, justify="right" if column == "MB" else "left")
    for entry in entries:
        used = dt.datetime.fromtimestamp(entry.used).astimezone()
        shown.add_row(entry.kind, entry.key, f"{entry.bytes / 1e6:.1f}", f"{used:%Y-%m-%d %H:%M}")
    if entries:
        console.print(shown)
    console.print(f"{store.size / 1e6:.1f} MB in {store.path}; fourfold cache --clear removes them")


def _cells(line: Line, result: Result) -> tuple[str, ...]:
    name = f"{line.method} (baseline)" if line.role == "baseline" else line.method
    if line.method == result.shipped:
        name = f"[bold]{name} ← shipped[/]"
    if line.error:
        return name, "-", "-", "could not run", "-"
    mean = f"{sum(line.scores) / len(line.scores):.3f}" if line.scores else "-"
    verdict = f"[{COLOURS[line.verdict]}]{line.verdict}[/]" if line.verdict else ""
    gap = line.difference
    interval = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]" if gap else ""
    return name, mean, interval.replace("[", r"\["), verdict, f"{line.seconds:.1f}"


def _methods(cell: str) -> str:
    return ", ".join(entry.name for entry in table().values() if entry.cell == cell) or "-"


def _pile(domain: Domain) -> str:
    classes = f" in {len(domain.counts)} classes" if domain.counts else ""
    return (
        f"{domain.name}, {domain.n_rows} rows of {domain.rows.kind} "
        f"{'×'.join(map(str, domain.rows.shape))}, {domain.n_labelled} labelled{classes}"
    )
