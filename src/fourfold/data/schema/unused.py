"""Columns that may be labels though nobody said so, and those that not all tables have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.data.schema.identifiers import words_of
from fourfold.data.schema.notes import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.data.schema.hints import Hints

__all__ = ["label_notes", "way_out"]

LABELS: Final = frozenset(
    {
        *("class", "classes", "label", "labels", "outcome", "outcomes", "response", "target"),
        *("targets", "truth", "y"),
    }
)
"""Last words of a name of labels."""
MOST: Final = 3
"""Columns that are named in notes, and in the way out of an error."""


def label_notes(names: Iterable[str], hints: Hints, *, beside_files: bool = False) -> list[Note]:
    """Return notes on columns that may be labels, where no label is given.

    Beside files every column may be one.
    """
    if hints.label or hints.labels is not None:
        return []
    said = {*hints.roles.values(), *hints.drop, *hints.columns}
    free = [name for name in dict.fromkeys(map(str, names)) if name not in said]
    likely = [name for name in free if is_named_label(name)]
    shown = likely or (free if beside_files else [])
    return [Note(name, "not used as a label", "label", name) for name in shown[:MOST]]


def is_named_label(name: str) -> bool:
    """Return whether a name is one of labels: ``y``, ``class_label``, ``Outcome``, ``y_true``.

    Examples
    --------
    >>> [is_named_label(name) for name in ("y", "trueLabel", "y_true", "class_size", "price")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    return bool(words) and (words[-1] in LABELS or words[0] == "y")


def way_out(lacking: Mapping[str, Sequence[str]], unlabelled: Sequence[str], hints: Hints) -> str:
    """Return a remedy for columns that one of two tables lacks.

    Parameters
    ----------
    lacking
        Table → the columns that it lacks.
    unlabelled
        Tables without the label.
    """
    first, other = ({_folded(name): name for name in names} for names in lacking.values())
    alike = [(first[name], other[name]) for name in first if name in other]
    if alike:
        pairs = ", ".join(f"{one!r} beside {two!r}" for one, two in alike[:MOST])
        return f"some differ only in case or spaces, {pairs}: write them alike"
    names = [name for lacks in lacking.values() for name in lacks]
    if len(names) > MOST:
        return "leave out what only one has (drop), or give each table a header of the same names"
    dropped = f"drop={tuple(names)}"
    leaves = f"{dropped} leaves {'it' if len(names) == 1 else 'them'} out"
    likely = [name for name in names if is_named_label(name)] or names
    if not hints.label and len(likely) == 1:
        others = tuple(name for name in names if name not in likely)
        rest = f" and drop={others}" if others else ""
        return f"say label={likely[0]!r}{rest} if it is the label, else {dropped}"
    own = [lacks for where, lacks in lacking.items() if lacks and where not in unlabelled]
    if hints.label and len(names) == len(own) == len(unlabelled) == 1:
        return f"name it {hints.label[0]!r} if it is the label; else {leaves}"
    return leaves


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
