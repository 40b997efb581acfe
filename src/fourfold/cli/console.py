"""The console of the command line, and its tables."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["open_console", "table"]


def open_console() -> Console:
    """Return a console without markup, so that names are printed unchanged."""
    return Console(markup=False, highlight=False, emoji=False)


def table(*columns: str) -> Table:
    """Return a table without borders, for narrow terminals."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in columns:
        shown.add_column(name, no_wrap=name in {"", "cell", "method"})
    return shown
