"""Terminal output on the reading of data: columns by kind, labels, and doubts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from fourfold.cli.console import open_console
from fourfold.cli.flags import option
from fourfold.data.description import all_notes
from fourfold.data.domain import Domain
from fourfold.errors import DataError
from fourfold.study.asking.reading import describe_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from fourfold.data.schema import Note

__all__ = ["show_reading", "shown_if_refused"]


def show_reading(domains: Sequence[Domain]) -> None:
    """Print the kinds of columns and labels, and the option that settles each doubt."""
    console = open_console()
    lines, _ = describe_data(domains)
    shown = Table.grid(padding=(0, 2))
    for title, text in lines.items():
        shown.add_row(Text(f"  {title}", "bold"), text)
    if lines:
        console.print("How they are read", style="bold")
        console.print(shown)
    for note in all_notes(domains):
        _show_note(console, note)


@contextmanager
def shown_if_refused(data: Mapping[str, Any]) -> Iterator[None]:
    """Print the reading of data that a study refuses: the remedy may stand there."""
    try:
        yield
    except DataError:
        show_reading([domain for part in data.values() for domain in _domains(part)])
        raise


def _domains(part: Any) -> list[Domain]:
    """Return the domains of a keyword of a study: one, several, or those of tasks."""
    if isinstance(part, dict):
        part = list(part.values())
    return [one for one in (part if isinstance(part, list) else [part]) if isinstance(one, Domain)]


def _show_note(console: Console, note: Note) -> None:
    """Print a doubt, and the option behind it in one piece: it is there to be copied."""
    said = Text(f"  ! {note.sentence}")
    remedy = Text(_remedy(note), "cyan")
    if said.cell_len + remedy.cell_len <= console.width:
        console.print(said + remedy)
    else:
        console.print(said)
        console.print(Text("  ") + remedy, soft_wrap=True)


def _remedy(note: Note) -> str:
    """Return the option to type if a reading is wrong."""
    if not note.option:
        return ""
    return f"  else {option(note.option, note.value)}"
