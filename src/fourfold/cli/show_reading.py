"""Terminal output on the reading of data: columns by kind, labels, and doubts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fourfold.data.description import all_notes, describe_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.data.schema import Note

__all__ = ["show_reading"]


def show_reading(domains: Sequence[Domain]) -> None:
    """Print the kinds of columns and labels, and the option that settles each doubt."""
    console = Console(markup=False, highlight=False, emoji=False)
    lines, _ = describe_reading(domains)
    shown = Table.grid(padding=(0, 2))
    for title, text in lines.items():
        shown.add_row(Text(f"  {title}", "bold"), text)
    if lines:
        console.print("How they are read", style="bold")
        console.print(shown)
    for note in all_notes(domains):
        console.print(Text.assemble(f"  ! {note.sentence}", (_remedy(note), "cyan")))


def _remedy(note: Note) -> str:
    """Return the option to type if a reading is wrong."""
    if not note.option:
        return ""
    return f"  else --{note.option.replace('_', '-')} {shlex.quote(note.value)}"
