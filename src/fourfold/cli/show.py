"""Terminal output: the map, a leaderboard, the store."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fourfold.cli.flags import with_flags
from fourfold.cli.show_reading import show_reading
from fourfold.errors import DataError, counted
from fourfold.methods import cells, competing
from fourfold.planner import locate, locate_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fourfold.data.domain import Domain
    from fourfold.frozen.store import Store
    from fourfold.planner import Placement
    from fourfold.study import JointResult, Result, Study
    from fourfold.study.gate import Interval
    from fourfold.study.leaderboard import Gain, LeaderboardRow

__all__ = [
    "failures",
    "show_bare_map",
    "show_end",
    "show_found",
    "show_place",
    "show_store",
    "show_tasks",
]

COLOURS = {"helped": "green", "hurt": "red", "undecided": "yellow"}


def show_bare_map() -> None:
    """Print the map, with the methods of each cell."""
    shown = _table("cell", "source", "target", "labels", "approach and methods")
    shown.leading, shown.expand = 1, True
    for column, share in zip(shown.columns[1:], (5, 4, 4, 7), strict=True):
        column.ratio = share
    for cell in cells().values():
        approach = Text.assemble(cell.summary, "\n", (_methods(cell.name), "cyan"))
        shown.add_row(
            Text(cell.name, "bold"), cell.source, cell.target, cell.label_spaces, approach
        )
    console = _console()
    console.print("The map of transfer learning", style="bold")
    console.print(shown)
    console.print("The place of your own data on it:")
    console.print("  fourfold map --source A --target B [--label COLUMN]")
    console.print("  fourfold map --task NAME=A --task NAME=B")


def show_place(
    source: Any,
    target: Domain,
    evaluate: Domain | None = None,
    network: str | None = None,
    *,
    open_set: bool = False,
) -> bool:
    """Print the map with the place of the data, the reason for each cell, and a study's notes.

    Where a study would refuse the data, its reason takes the place of its methods. Return whether
    it would take them.
    """
    from fourfold.study.asking.given import of_transfer
    from fourfold.study.asking.posing import check_transfer
    from fourfold.study.asking.trained import has_towers, name_of, told_apart

    data_of, trained, _ = told_apart(source, network)
    alone = trained is not None
    sources, target, evaluate = of_transfer(data_of, target, evaluate, trained=alone)
    console = _console()
    if trained is not None:
        console.print(f"source  {name_of(trained)}, a trained network")
    data = [*(("source", source) for source in sources), ("target", target)]
    for role, domain in [*data, *([("evaluate", evaluate)] if evaluate else [])]:
        console.print(f"{role}  {_summary(domain)}")
    show_reading([*sources, target, *([evaluate] if evaluate else [])])
    return _show_plan(
        locate(sources, target, network=alone, towers=has_towers(trained), open_set=open_set),
        lambda: check_transfer(sources or None, target, evaluate, trained, open_set=open_set),
    )


def _show_plan(plan: Placement, check: Callable[[], list[str]]) -> bool:
    """Print the cells, and the methods that a study of the data runs, or its refusal: False."""
    console = _console()
    shown = _table("", "cell", "applies", "because")
    for name, reason in plan.reasons.items():
        here = Text("you →", "bold") if name == plan.cell else ""
        style, applies = (None, Text("yes", "green")) if name in plan.open else ("dim", "no")
        shown.add_row(here, name, applies, with_flags(reason), style=style)
    console.print(shown)
    try:
        notes = check()
    except DataError as error:
        console.print(f"A study refuses these data: {with_flags(str(error))}.", style="bold red")
        return False
    methods = ", ".join(plan.tried if plan.network else plan.methods) or "no method yet"
    baselines = ", ".join(plan.baselines) or "none"
    console.print(f"A study runs {methods}; baselines: {baselines}.")
    for method, why in plan.skipped.items():
        if why not in plan.reasons.values():  # its cell applies
            console.print(f"Not {method}: {with_flags(why)}.")
    for note in notes:
        console.print(f"Note: {with_flags(note)}")
    return True


def show_tasks(tasks: Mapping[str, Domain]) -> bool:
    """Print the map with the place of several tasks; return whether a study takes them."""
    from fourfold.data.differences import input_difference
    from fourfold.study.asking.posing import check_tasks

    plan = locate_tasks(tasks)
    console = _console()
    for name, domain in tasks.items():
        console.print(f"task  {_summary(domain, name)}")
    show_reading(list(tasks.values()))
    if difference := input_difference(tasks):
        console.print(f"The inputs of the tasks differ, {difference}: they share middle layers.")
    return _show_plan(plan, lambda: check_tasks(tasks))


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

    console = _console()
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
    shown = _table("task", "score", "best alone", *(line.method for line in found.lines), "→")
    for name, result in found.results.items():
        best = next((line for line in result.lines if line.method == result.best_baseline), None)
        alone = f"{_mean(best)} {best.method}" if best is not None else "-"
        gains = [_gain(line.gains[name]) for line in found.lines]
        metric = f"{result.metric} (lower)" if result.lower_is_better else result.metric
        shown.add_row(name, metric, alone, *gains, found.shipped.get(name, "-"))
    return shown


def _leaderboard(result: Result) -> Table:
    metric = result.metric.replace("_", "\n")  # headers no wider than their columns
    metric += "\n(lower)" if result.lower_is_better else ""
    sides = list(dict.fromkeys(side for line in result.lines for side in line.sides))
    gap = "against the\nbest baseline"
    shown = _table("", "method", metric, *sides, gap, "verdict", "s per fit")
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
    """Print the entries of a store, the last used first."""
    console = _console()
    entries = store.entries()
    shown = _table("kind", "key", "MB", "last used")
    shown.columns[2].justify = "right"
    for entry in entries:
        used = dt.datetime.fromtimestamp(entry.used).astimezone()
        shown.add_row(entry.kind, entry.key, f"{entry.bytes / 1e6:.1f}", f"{used:%Y-%m-%d %H:%M}")
    if entries:
        console.print(shown)
    console.print(f"{store.size / 1e6:.1f} MB in {store.path}; fourfold cache --clear removes them")


def _console() -> Console:
    """Return a console without markup, so that names are printed unchanged."""
    return Console(markup=False, highlight=False, emoji=False)


def _table(*columns: str) -> Table:
    """Return a table without borders, for narrow terminals."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in columns:
        shown.add_column(name, no_wrap=name in {"", "cell"})
    return shown


def _cells(line: LeaderboardRow) -> tuple[str | Text, ...]:
    if line.error:
        return line.method, "-", "", "failed", "-"
    mean = _mean(line)
    verdict = Text(line.verdict, COLOURS[line.verdict]) if line.verdict else Text("baseline")
    if line.stopped:
        verdict = Text("stopped early")
    gap = line.difference
    interval = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]" if gap else ""
    return line.method, mean, interval, verdict, f"{line.seconds:.1f}"


def _methods(cell: str) -> str:
    return ", ".join(competing(cell)) or "-"


def _summary(domain: Domain, name: str = "") -> str:
    """Return a domain's name, rows and labels in one line."""
    shape, n = "×".join(map(str, domain.rows.shape)), domain.n_rows
    width = domain.rows.shape[0] if domain.rows.shape else 0
    rows = {
        "pictures": f"{counted(n, 'picture')} of {shape}",
        "sounds": f"{counted(n, 'sound')} of {shape} (bands × 10 ms)",
        "table": f"{counted(n, 'row')} of {counted(width, 'column')}",
        "texts": counted(n, "text"),
        "speech": counted(n, "utterance"),
    }.get(domain.rows.kind, f"{counted(n, 'row')} of {shape} number{'s' * (shape != '1')}")
    kinds = f" in {counted(len(domain.counts), 'class')}" if domain.counts else ""
    kinds = " with numbers" if domain.measured else kinds
    return f"{name or domain.name}: {rows}, {domain.n_labelled} labelled{kinds}"
