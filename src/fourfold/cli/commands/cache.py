"""``fourfold cache``: the store of features and source models, shown or cleared."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from typing import Annotated

import typer

__all__ = ["cache"]


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything.")] = False,
) -> None:
    """Show the cached features and source models, or clear them."""
    from fourfold.cli.show import show_store
    from fourfold.frozen.store import Store

    store = Store.default()
    if clear:
        freed = store.size
        store.clear()
        typer.echo(f"{freed / 1e6:.1f} MB freed in {store.path}")
    else:
        show_store(store)
