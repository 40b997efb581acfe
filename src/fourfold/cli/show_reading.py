"""Terminal output on the reading of data: columns by kind, labels, and doubts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fourfold.cli.flags import option
from fourfold.data.description import all_notes, describe_reading
from fourfold.data.domain import Domain
from fourfold.errors import DataError
from fourfold.readers.media.pictures import describe_sizes
from fourfold.readers.media.transcribed import describe_speech
from fourfold.study.asking.arrays import describe_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fourfold.data.schema import Note

__all__ = ["show_reading", "shown_if_refused"]


def show_reading(domains: Sequence[Domain]) -> None:
    """Print the kinds of columns and labels, and the option that settles each doubt."""
    console = Console(markup=False, highlight=False, emoji=False)
    lines, _ = describe_reading(domains)
    lines |= describe_inputs(domains)
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
    """Print how the data of a study are read where it refuses them: there may be the remedy."""
    try:
        yield
    except DataError:
        parts = [
            [*part.values()] if isinstance(part, dict) else part if isinstance(part, list) else [part]
            for part in data.values()
        ]
        show_reading([one for part in parts for one in part if isinstance(one, Domain)])
        raise


def _show_note(console: Console, note: Note) -> None:
    """Print a doubt, and the option behind it in one piece: it is there to be copied."""
    said = Text(f"  ! {note.sentence}")
    remedy = Text(_remedy(note), "cyan")
    if said.cell_len + remedy.cell_len <= console.width:
        console.print(said + remedy)
    else:
        console.print(said)
        console.print(Text("  ") + remedy, soft_wrap=True)


def describe_inputs(domains: Sequence[Domain]) -> dict[str, str]:
    """Describe the layout and range of arrays, and the size of pictures."""
    said = {
        "arrays": describe_arrays(domains),
        "pictures": describe_sizes([domain.rows for domain in domains]),
        "speech": describe_speech(domains),
    }
    return {title: text for title, text in said.items() if text}


def _remedy(note: Note) -> str:
    """Return the option to type if a reading is wrong."""
    if not note.option:
        return ""
    return f"  else {option(note.option, note.value)}"
