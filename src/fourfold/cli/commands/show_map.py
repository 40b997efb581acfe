"""``fourfold map``: the map, and the place of the data on it."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from pathlib import Path
from typing import Annotated

import typer

from fourfold.cli.options import Classes, Label, Source, Tasks, Vectors
from fourfold.errors import ParameterError

__all__ = ["show_map"]


def show_map(
    source: Source = None,
    target: Annotated[
        Path | None, typer.Option(help="Data to solve; without it the bare map.")
    ] = None,
    task: Tasks = None,
    label: Label = None,
    classes: Classes = None,
    vectors: Vectors = None,
) -> None:
    """Show the map, and where your data stand on it."""
    from fourfold.cli.show import show_bare_map, show_place, show_tasks

    if task:
        from fourfold.cli.tasks import read_tasks, refuse_beside_tasks

        refuse_beside_tasks(source=source, target=target, classes=classes, vectors=vectors)
        show_tasks(read_tasks(task, label))
    elif target is None and not source:
        show_bare_map()
    elif target is None or not source:
        raise ParameterError("--source and --target must be given together; got one of them")
    else:
        from fourfold.cli.inputs import read_all

        *sources, goal = read_all([*source, target], label, classes, vectors)
        show_place(sources, goal)
