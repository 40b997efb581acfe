"""Commands of the command line.

Nothing heavy is imported before a command runs, so that ``fourfold --help`` is quick.
"""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from fourfold.cli.models import export, predict
from fourfold.cli.options import (
    Classes,
    Memory,
    Network,
    OpenSet,
    Source,
    Tasks,
    Vectors,
    reads_data,
)
from fourfold.cli.pick import pick
from fourfold.cli.study import study

__all__ = ["app"]


REFUSED: Final = 2
"""Exit code of a map of data that a study refuses, as of the study."""

app = typer.Typer(
    help="The whole map of transfer learning: where do your data stand, and does transfer help?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("map")
@reads_data
def show_map(
    reading: Any,
    source: Source = None,
    target: Annotated[
        Path | None, typer.Option(help="Data to solve; without it the bare map.")
    ] = None,
    evaluate: Annotated[
        Path | None, typer.Option(help="Labelled rows that a study would judge on.")
    ] = None,
    task: Tasks = None,
    classes: Classes = None,
    vectors: Vectors = None,
    network: Network = None,
    open_set: OpenSet = False,
    _memory: Memory = None,
) -> None:
    """Show the map, and where your data stand on it."""
    from fourfold.cli.show_map import show_bare_map, show_place, show_tasks
    from fourfold.cli.trained import is_pretrained, names_of

    if task:
        from fourfold.cli.inputs import read_tasks, refuse_beside_tasks

        refuse_beside_tasks(
            source=source, target=target, evaluate=evaluate, classes=classes, vectors=vectors
        )
        taken = show_tasks(read_tasks(task, reading))
    elif source or target or evaluate or classes or vectors or reading.says_something:
        from fourfold.cli.inputs import read_transfer

        alone = is_pretrained(network)
        data = read_transfer(reading, source, target, evaluate, classes, vectors, trained=alone)
        first = None if network is None else names_of(network)[0]
        taken = show_place(**data, network=first, open_set=open_set)
    else:
        show_bare_map()
        return
    if not taken:
        raise typer.Exit(REFUSED)


app.command()(study)
app.command()(pick)
app.command()(predict)
app.command()(export)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything.")] = False,
) -> None:
    """Show the cached features and source models, or clear them."""
    from fourfold.cli.show import show_store
    from fourfold.frozen.store import Store

    store = Store.default(read_only=not clear)
    if clear:
        freed = store.size
        store.clear()
        typer.echo(f"{freed / 1e6:.1f} MB freed in {store.path}")
    else:
        show_store(store)
