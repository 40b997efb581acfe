"""Terminal output on how data were read: columns by kind, labels, and what was uncertain."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fourfold.data.schema import describe_labels, describe_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.data.schema import Note

__all__ = ["show_reading"]


def show_reading(domains: Sequence[Domain]) -> None:
    """Print how tables and labels were read, and the option that settles each doubt."""
    console = Console(markup=False, highlight=False, emoji=False)
    labels = describe_labels(domains)
    schemas = list({id(d.schema): d.schema for d in domains if d.schema is not None}.values())
    lines = [("label", labels)] if labels else []
    lines += [line for schema in schemas for line in describe_schema(schema)]
    shown = Table.grid(padding=(0, 2))
    for title, text in dict.fromkeys(lines):
        shown.add_row(Text(f"  {title}", "bold"), text)
    if lines:
        console.print("How they are read", style="bold")
        console.print(shown)
    for note in dict.fromkeys(note for schema in schemas for note in schema.notes):
        console.print(Text.assemble(f"  ! {note.sentence}", (_remedy(note), "cyan")))


def _remedy(note: Note) -> str:
    """Return the option to type if a reading is wrong."""
    if not note.option:
        return ""
    return f"  else --{note.option.replace('_', '-')} {shlex.quote(note.value)}"
