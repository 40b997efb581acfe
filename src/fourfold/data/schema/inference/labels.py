"""Inference of labels: their type and their marks of missing ones, over all piles together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.labels import are_measured, mostly_differ
from fourfold.data.schema.cells import (
    MARKS,
    as_cells,
    distinct,
    is_written,
    missing_as_null,
    numbers_among,
    written,
)
from fourfold.data.schema.inference.apart import unshared, zeros_apart
from fourfold.data.schema.inference.by_file import (
    DISGUISED,
    Parts,
    find_numbers,
    in_parts,
    own_forms,
)
from fourfold.data.schema.inference.strings import spellings
from fourfold.data.schema.inference.written import open_sign
from fourfold.data.schema.labels import WHOLE, YES, Labels
from fourfold.data.schema.notes import Note, joined
from fourfold.data.schema.numbers import find_form, has_codes, is_whole, misfits, parse_numbers
from fourfold.errors import DataError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.piles import Pile

__all__ = ["infer_labels"]

FITTING: Final = 0.5
"""From this share of numbers on, names beside them are noted."""
MOSTLY: Final = 0.9
"""From this share of numbers on, all labels must be numbers or marks of missing ones."""
SAID: Final = 10
"""More classes than these that are whole numbers may be measurements: noted."""


class _Found(NamedTuple):
    """One column of labels in all piles."""

    name: str
    piles: list[Cells]
    parts: Parts
    marks: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """Different labels of all piles."""
        return list(self.parts.texts)


def infer_labels(piles: Sequence[Pile], hints: Hints) -> tuple[Labels, list[Note]] | None:
    """Infer the labels from the piles that have some of their columns; None if none has."""
    if hints.labels is not None:
        return hints.labels, []
    there = [name for name in hints.label if any(name in pile.columns for pile in piles)]
    if not there:
        return None
    notes: list[Note] = []
    columns = [_column(name, piles, hints, notes) for name in there]
    if len(columns) > 1:
        return _several(columns, hints, notes), notes
    (column,) = columns
    if hints.label_type == "transcripts":
        marks = MARKS if hints.missing_label is None else hints.missing_label
        return Labels((column.name,), "transcripts", marks), []
    if hints.label_type == "yes-no":
        return Labels((column.name,), "yes-no", column.marks), notes
    numbers = None if hints.label_type == "classes" else _numbers(column, hints, notes)
    return numbers or _classes(column, hints, notes), notes


def _column(name: str, piles: Sequence[Pile], hints: Hints, notes: list[Note]) -> _Found:
    """Collect a column, and settle its marks of missing labels."""
    there = [pile for pile in piles if name in pile.columns]
    raw = [as_cells(pile.columns[name], name) for pile in there]
    cells = [missing_as_null(part, ("",)) for part in raw]
    if len({part.type for part in cells}) > 1:
        cells = [written(part) for part in cells]
    texts = distinct(written(part) for part in cells)
    marks = hints.missing_label
    if marks is None:
        found = [text for text in texts if text in MARKS]
        empty = any(part.null_count for part in cells)
        if found and not empty:
            said = f"{_count(cells, found)} labels {joined(found)} are read as missing"
            notes.append(Note(name, said, "missing_label", ""))
        elif found:
            notes.append(
                Note(
                    name,
                    f"{joined(found)} is a class: missing labels are empty",
                    "missing_label",
                    found[0],
                )
            )
        marks = () if found and empty else MARKS
    same = _same_numbers(texts, marks)
    absent = [mark for mark in hints.missing_label or () if mark and mark not in texts and not same]
    notes += [Note(name, f"no label is {mark!r}, the mark of missing ones") for mark in absent]
    marks = (*marks, *same)
    kept = [missing_as_null(part, ("", *marks)) for part in cells]
    parts = in_parts([pile.name for pile in there], [written(part) for part in kept])
    return _Found(name, kept, parts, marks)


def _same_numbers(texts: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Return the labels that are marks which are numbers, but for their digits: -1.0 for -1."""
    numbers = numbers_among(marks)
    others = [text for text in texts if text not in marks and not has_codes([text])]
    return [text for text in others if numbers and {*numbers} & {*numbers_among([text])}]


def _count(piles: Sequence[Cells], marks: Sequence[str]) -> int:
    """Return the number of cells that are one of some marks."""
    found = [pc.is_in(written(part), value_set=pa.array(marks)) for part in piles]
    return sum(pc.sum(part).as_py() or 0 for part in found)


def _numbers(column: _Found, hints: Hints, notes: list[Note]) -> Labels | None:
    """Return labels that are measurements, or numbers as asked; None if they are classes.

    Raises
    ------
    DataError
        If some of them are no numbers, and no usual marks of missing ones.
    """
    asked = hints.label_type == "numbers"
    coded = is_written(column.piles[0]) and has_codes(column.texts)
    boolean = any(pa.types.is_boolean(part.type) for part in column.piles)
    found = find_numbers(column.parts, hints.decimal)
    form, share = found.form, found.share
    if not asked and (boolean or coded or share < MOSTLY):
        return None
    forms = [found.files.get(file, form) for file in column.parts.of]
    parsed = [
        parse_numbers(written(part), own) for part, own in zip(column.piles, forms, strict=True)
    ]
    known = [one.values[~np.isnan(one.values)] for one in parsed]
    whole = np.concatenate(known)
    by_file = any(are_measured(values) for values in known if len(values))
    if not (asked or by_file or (len(whole) and mostly_differ(whole))):
        return None
    pairs = list(zip(column.piles, parsed, strict=True))
    odd = distinct(written(cells).filter(pa.array(one.strange)) for cells, one in pairs)
    strange = [text for text in odd if text.casefold() not in DISGUISED]
    if strange:
        raise DataError(
            one_line(
                f"labels in {column.name!r} must be numbers; got {joined(strange)} among them: "
                "mend them, or name each as a mark of missing ones by missing_label"
            )
        )
    if odd:
        n = sum(int(one.strange.sum()) for one in parsed)
        notes.append(Note(column.name, f"{n} labels {joined(odd)} are read as missing"))
    kinds = np.unique(whole)
    if not asked and is_whole(kinds) and (not by_file or len(kinds) <= len(whole) / 2):
        said = f"{len(kinds)} different whole numbers are read as measurements"
        notes.append(Note(column.name, said, "label_type", "classes"))
    forms_apart = own_forms(column.name, found)
    notes += [note._replace(option="label_type", value="classes") for note in forms_apart]
    if not found.files:
        notes += open_sign(column.name, found, column.parts, column.piles, hints)
    others = {file: vars(own) for file, own in found.files.items() if own != form}
    marks = (*column.marks, *odd)
    return Labels((column.name,), "numbers", marks, **vars(form), files=others)


def _classes(column: _Found, hints: Hints, notes: list[Note]) -> Labels:
    """Return the labels of one column as classes."""
    name, texts = column.name, column.texts
    whole = bool(texts) and bool(pc.all(pc.match_substring_regex(pa.array(texts), WHOLE)).as_py())
    marks = column.marks
    if whole:
        values = {int(float(text)) for text in texts}
        if hints.missing_label is None and min(values) == -1 and len(values) > 1:
            marks = _minus_one(column, values, marks, notes)
        if len(values) > SAID and hints.label_type is None:
            notes.append(
                Note(
                    name,
                    f"{len(values)} whole numbers are read as classes",
                    "label_type",
                    "numbers",
                )
            )
    notes += _names(column, whole=whole)
    return Labels((name,), "classes", marks, whole=whole)


def _names(column: _Found, *, whole: bool) -> list[Note]:
    """Return remarks on names of classes that may be one, or numbers."""
    name, texts = column.name, column.texts
    if len(texts) > 2 and all(text.lower() in YES for text in texts):
        said = unshared(column.parts, "class") or f"{some(map(repr, texts))} are different classes"
        return [Note(name, f"{said}: are they yes and no?", "label_type", "yes-no")]
    form, share, _ = find_form(texts)
    zeros = zeros_apart(column.parts, "class")
    why = has_codes(texts, form.unit) or joined(misfits(texts))
    notes = []
    if zeros:
        notes.append(Note(name, zeros))
    elif not whole and share >= FITTING and texts and why:
        said = why if why.startswith(("leading", "16")) else f"some are names, {why}"
        notes.append(Note(name, f"numbers are read as names of classes: {said}"))
    alike = spellings(texts)[:1]
    notes += [Note(name, f"{joined(one)} are different classes: are they one?") for one in alike]
    parts = _whole(column.parts) if whole else column.parts
    apart = "" if notes else unshared(parts, "class")
    return notes + ([Note(name, apart)] if apart else [])


def _whole(parts: Parts) -> Parts:
    """Write whole numbers without a point: 1.0 is 1."""
    of = {name: [str(int(float(t))) for t in texts] for name, texts in parts.of.items()}
    return Parts(parts.texts, of)


def _minus_one(
    column: _Found, values: set[int], marks: tuple[str, ...], notes: list[Note]
) -> tuple[str, ...]:
    """Settle −1 beside classes: missing, or a class where empty cells are missing."""
    name = column.name
    if any(part.null_count for part in column.piles):
        notes.append(Note(name, "-1 is a class: missing labels are empty", "missing_label", "-1"))
        return marks
    if values == {-1, 1}:
        raise DataError(
            f"labels in {name!r} that are only -1 and 1 are ambiguous: say whether -1 is a mark of "
            "missing labels, missing_label=('-1',), or a class, missing_label=('',)"
        )
    n = _count(column.piles, ["-1", "-1.0"])
    notes.append(Note(name, f"{n} labels -1 are read as missing", "missing_label", ""))
    return (*marks, "-1", "-1.0")


def _several(columns: Sequence[_Found], hints: Hints, notes: list[Note]) -> Labels:
    """Return the labels of several columns: answers, classes as one-hot columns, or numbers."""
    names = tuple(column.name for column in columns)
    marks = tuple(dict.fromkeys(mark for column in columns for mark in column.marks))
    answers = all(text.lower() in YES for column in columns for text in column.texts)
    if answers and hints.label_type in {None, "classes", "yes-no"}:
        made = Labels(names, "yes-no", marks)
        hot = len(columns) > 2 and _is_one_hot(
            [made.read_column(c, column.name) for column in columns for c in [_joined(column)]]
        )
        if hints.label_type == "classes" or (hot and hints.label_type is None):
            if not hot:
                raise DataError(
                    "several columns of classes must have one 1 in each row; got others"
                )
            notes.append(
                Note(", ".join(names), "one 1 in each row: one-hot classes", "label_type", "yes-no")
            )
            return Labels(names, "classes", marks, one_hot=True)
        return made
    texts = sorted({text for column in columns for text in column.texts})
    form, share, _ = find_form(texts, hints.decimal)
    if share < 1 or hints.label_type in {"classes", "yes-no"}:
        odd = misfits(texts) or texts
        raise DataError(
            one_line(
                "several columns of labels must be numbers, or answers of yes and no; got "
                f"{joined(odd)}: give each column of classes alone"
            )
        )
    return Labels(names, "numbers", marks, **vars(form))


def _joined(column: _Found) -> Cells:
    texts = [written(part) for part in column.piles]
    return pa.chunked_array([chunk for part in texts for chunk in part.chunks], pa.string())


def _is_one_hot(answers: Sequence[NDArray[np.float64]]) -> bool:
    if len({len(one) for one in answers}) > 1:
        return False
    whole = np.column_stack(list(answers))
    known = whole[~np.isnan(whole).any(axis=1)]
    return bool(len(known) and (known.sum(axis=1) == 1).all())
