"""Terminal output of the map, and of the place of data on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from fourfold.cli.console import open_console, table
from fourfold.cli.flags import with_flags
from fourfold.cli.show_reading import show_reading
from fourfold.errors import DataError, counted
from fourfold.methods import cells, competing
from fourfold.planner import locate, locate_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourfold.data.domain import Domain
    from fourfold.planner import Placement

__all__ = ["show_bare_map", "show_place", "show_tasks"]


def show_bare_map() -> None:
    """Print the map, with the methods of each cell."""
    shown = table("cell", "source", "target", "labels", "approach and methods")
    shown.leading, shown.expand = 1, True
    for column, share in zip(shown.columns[1:], (5, 4, 4, 7), strict=True):
        column.ratio = share
    for cell in cells().values():
        approach = Text.assemble(cell.summary, "\n", (_methods(cell.name), "cyan"))
        shown.add_row(
            Text(cell.name, "bold"), cell.source, cell.target, cell.label_spaces, approach
        )
    console = open_console()
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
    from fourfold.networks import Builder
    from fourfold.study.asking.given import of_transfer
    from fourfold.study.asking.posing import check_transfer
    from fourfold.study.asking.trained import has_towers, name_of, told_apart

    data_of, trained, below = told_apart(source, network)
    alone, pretrained = trained is not None, isinstance(below, Builder) and below.trained
    sources, target, evaluate = of_transfer(data_of, target, evaluate, trained=alone)
    console = open_console()
    if trained is not None:
        console.print(f"source  {name_of(trained)}, a trained network")
    data = [*(("source", source) for source in sources), ("target", target)]
    for role, domain in [*data, *([("evaluate", evaluate)] if evaluate else [])]:
        console.print(f"{role}  {_summary(domain)}")
    show_reading([*sources, target, *([evaluate] if evaluate else [])])
    return _show_plan(
        locate(sources, target, network=alone, towers=has_towers(trained), open_set=open_set),
        lambda: check_transfer(sources or None, target, evaluate, trained, open_set=open_set),
        pretrained=pretrained,
    )


def _show_plan(
    plan: Placement, check: Callable[[], list[str]], *, pretrained: bool = False
) -> bool:
    """Print the cells, and the methods that a study of the data runs, or its refusal: False."""
    console = open_console()
    shown = table("", "cell", "applies", "because")
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
    tried = plan.tried(pretrained=pretrained)
    methods = ", ".join(tried) or "no method yet"
    baselines = ", ".join(plan.baselines) or "none"
    console.print(f"A study runs {methods}; baselines: {baselines}.")
    if others := [name for name in plan.methods if name not in tried]:
        console.print(f"Only where they are asked for (--methods): {', '.join(others)}.")
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
    console = open_console()
    for name, domain in tasks.items():
        console.print(f"task  {_summary(domain, name)}")
    show_reading(list(tasks.values()))
    if difference := input_difference(tasks):
        console.print(f"The inputs of the tasks differ, {difference}: they share middle layers.")
    return _show_plan(plan, lambda: check_tasks(tasks))


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
