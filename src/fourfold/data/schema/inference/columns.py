"""Inference of columns: the kind and the form of each, from the cells of all piles together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from fourfold.data.schema.cells import distinct, is_category, is_written, missing_as_null
from fourfold.data.schema.column import Column
from fourfold.data.schema.dates import ISO
from fourfold.data.schema.inference.alike import alike
from fourfold.data.schema.inference.apart import unshared, zeros_apart
from fourfold.data.schema.inference.by_file import FITTING, in_parts
from fourfold.data.schema.inference.left_out import left_out
from fourfold.data.schema.inference.strings import MANY, are_quantities, spellings, string_kind
from fourfold.data.schema.inference.written import (
    compact_dates,
    open_point,
    written_dates,
    written_numbers,
)
from fourfold.data.schema.notes import Note, joined
from fourfold.data.schema.numbers import find_form, has_codes, has_points, misfits
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.column import Kind
    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.inference.by_file import Parts
    from fourfold.data.schema.piles import Pile

__all__ = ["infer_columns"]

SOME: Final = 0.5
"""From this share of numbers on, codes beside them are noted."""
ROLES: Final[Mapping[str, Kind | None]] = {
    "group": "category",
    "id": "category",
    "weight": "number",
    "time": None,
}
"""Role → kind of its column."""


def infer_columns(piles: Sequence[Pile], hints: Hints) -> tuple[dict[str, Column], list[Note]]:
    """Infer the columns of tables that have the same ones, labels aside.

    Hints decide where there are some. A sign of decimals that is plain in one column counts for
    those in which it is not.
    """
    roles = {name: role for role, name in hints.roles.items()}
    there = {name: None for pile in piles for name in pile.columns if name not in hints.label}
    inputs = [
        name for name in there if name not in roles and name not in (*hints.drop, *hints.ignore)
    ]
    columns: dict[str, Column] = {}
    notes: list[Note] = []
    unsure: dict[str, Sequence[Cells]] = {}
    for name in there:
        if name in hints.columns:
            columns[name] = hints.columns[name]
        elif name in hints.drop or name in hints.ignore:
            why = hints.ignore.get(name, "as asked")
            columns[name] = Column("ignored", missing=hints.marks, why=why)
        else:
            raw = [pile.columns[name] for pile in piles if name in pile.columns]
            cells = alike(name, raw, hints)
            wish = ROLES[roles[name]] if name in roles else hints.kind(name)
            if wish is None and any(is_category(p.columns[name]) for p in piles):
                wish = "category"
            kept = wish is not None or name in hints.keep or name in roles
            files = [pile.name for pile in piles if name in pile.columns]
            column, said, open_ = _infer(
                name, files, cells, raw, hints, wish=wish, kept=kept, alone=len(inputs) == 1
            )
            columns[name] = replace(column, missing=hints.marks)
            notes += said
            if open_ and not column.files:
                unsure[name] = [missing_as_null(part, hints.marks) for part in raw]
            if roles.get(name) == "time" and column.kind not in {"number", "date"}:
                raise DataError(f"column {name!r} of times must hold dates or numbers; got others")
    if unsure and hints.decimal is None:
        _settle_decimals(columns, unsure, piles, notes)
    return columns, notes


def _infer(
    name: str,
    files: Sequence[str],
    cells: Sequence[Cells],
    raw: Sequence[Cells],
    hints: Hints,
    *,
    wish: Kind | None,
    kept: bool,
    alone: bool,
) -> tuple[Column, list[Note], bool]:
    """Infer a column; return also whether its sign of decimals is open."""
    if not kept:
        why = left_out(name, cells)
        if why:
            note = Note(name, f"{why}; left out", "keep", name)
            return (
                Column("identifier" if "identifier" in why else "ignored", why=why),
                [note],
                False,
            )
    if not is_written(cells[0]):
        column = _typed(name, cells, hints, wish)
        if column.kind != "number" or wish == "number":
            return column, [], False
        doubts = open_point(name, raw, hints)
        return column, doubts or compact_dates(name, cells), bool(doubts)
    parts = in_parts(files, cells)
    if wish in {None, "number"}:
        found = written_numbers(name, parts, cells, hints, asked=wish == "number")
        if found is not None:
            return found
    if wish in {None, "date"}:
        dated = written_dates(name, parts, hints, asked=wish == "date")
        if dated is not None:
            return *dated, False
        if wish == "date":
            raise DataError(
                f"column {name!r} must hold dates in a known form; got {joined(parts.texts[:3])}: "
                "give their format by dates"
            )
    return *_string(name, parts, cells, wish, alone=alone, kept=kept), False


def _typed(name: str, cells: Sequence[Cells], hints: Hints, wish: Kind | None) -> Column:
    """Return the column of typed cells."""
    own: Kind
    kind = cells[0].type
    if pa.types.is_timestamp(kind):
        own = "date"
    elif pa.types.is_boolean(kind):
        own = "category"
    else:
        own = "number"
    return Column(wish or own, format=hints.format(name) or ISO)


def _string(
    name: str, parts: Parts, cells: Sequence[Cells], wish: Kind | None, *, alone: bool, kept: bool
) -> tuple[Column, list[Note]]:
    """Return the column of texts, categories or identifiers."""
    texts = parts.texts
    if wish in {"category", "text"}:
        return Column(wish), []
    n = sum(len(part) - part.null_count for part in cells)
    kind, uncertain, why = string_kind(texts, n, alone=alone)
    if kind == "identifier" and not kept:
        return Column("identifier", why=why), [
            Note(name, f"identifier, {why}; left out", "keep", name)
        ]
    kind = "category" if kind == "identifier" else kind
    notes = _strings(name, parts, kind, uncertain=uncertain)
    if kind == "category":
        alike = spellings(texts)[:1]
        notes += [
            Note(name, f"{joined(one)} are different categories: are they one?") for one in alike
        ]
        apart = "" if notes else unshared(parts, "category")
        notes += [Note(name, apart, "drop", name)] if apart else []
    return Column(kind), notes


def _strings(name: str, parts: Parts, kind: Kind, *, uncertain: bool) -> list[Note]:
    """Return the remark on codes among strings, or on strings that may be of another kind."""
    texts = parts.texts
    form, share, _ = find_form(list(texts))
    codes = has_codes(list(texts), form.unit) if share >= FITTING else ""
    zeros = zeros_apart(parts, "category") if kind == "category" else ""
    if zeros:
        return [Note(name, zeros, "numbers" if codes else "drop", name)]
    if codes:
        return [Note(name, f"whole numbers with {codes} are categories", "numbers", name)]
    if share >= SOME and misfits(texts):
        said = f"codes such as {joined(misfits(texts))} beside numbers: categories"
        return [Note(name, said, "numbers", name)]
    read = f"{len(texts)} different strings are read as {_plural(kind)}"
    if are_quantities(texts):
        said = f"{read}: numbers or dates in no known form, such as {joined(texts[:1])}"
        said = (kind == "category" and unshared(parts, "category")) or said
        odd = len(texts) > MANY and not any(map(str.isalnum, texts))
        return [Note(name, said, "drop", name)] if uncertain or odd else []
    other = ("categories", "text")[kind == "category"]
    return [Note(name, read, other, name)] if uncertain else []


def _plural(kind: str) -> str:
    return {"category": "categories", "text": "texts"}[kind]


def _settle_decimals(
    columns: dict[str, Column],
    unsure: Mapping[str, Sequence[Cells]],
    piles: Sequence[Pile],
    notes: list[Note],
) -> None:
    """Read open columns with the sign of decimals that plain ones have, in each file."""
    signs = [_plain_signs(columns, unsure, pile) for pile in piles]
    plain = {sign for one in signs for sign in one}
    if plain == {"."}:
        pointed = {name for name in unsure if not columns[name].thousands}
        notes[:] = [note for note in notes if note.about not in pointed or note.option != "decimal"]
    if "," not in plain or any(len(one) > 1 or not (one or len(plain) == 1) for one in signs):
        return
    own = {pile.name: min(one or plain) for pile, one in zip(piles, signs, strict=True)}
    for name, cells in unsure.items():
        files = [pile.name for pile in piles if name in pile.columns]
        commas = [file for file in files if own[file] == ","]
        texts = [distinct(cells)] * len(files)
        if len(commas) < len(files):
            texts = [distinct([part]) for part in cells]
        pairs = zip(files, texts, strict=True)
        forms = {file: find_form(part, own[file])[0] for file, part in pairs}
        last = forms[files[-1]]
        others = {file: vars(form) for file, form in forms.items() if form != last}
        columns[name] = replace(columns[name], **vars(last), files=others)
        notes[:] = [note for note in notes if note.about != name]
        where = f" of {', '.join(commas)}" if len(commas) < len(files) else ""
        notes.append(Note(name, f"numbers with a decimal comma, as in other columns{where}"))


def _plain_signs(columns: Mapping[str, Column], unsure: Container[str], pile: Pile) -> set[str]:
    """Return the signs of decimals in those columns of a pile in which they are plain."""
    sure = {
        name: column.in_file(pile.name)
        for name, column in columns.items()
        if column.kind == "number" and name not in unsure and name in pile.columns
    }
    return {
        column.decimal
        for name, column in sure.items()
        if column.decimal == "," or column.thousands or has_points(pile.columns[name])
    }
