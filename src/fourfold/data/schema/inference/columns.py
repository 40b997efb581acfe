"""Inference of columns: the kind and the form of each, from the cells of all piles together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import distinct, is_category, is_written
from fourfold.data.schema.column import Column
from fourfold.data.schema.dates import find_format, shown_format
from fourfold.data.schema.inference.alike import alike
from fourfold.data.schema.inference.left_out import left_out
from fourfold.data.schema.inference.strings import spellings, string_kind
from fourfold.data.schema.notes import Note, joined
from fourfold.data.schema.numbers import find_form, has_codes, misfits, parse_numbers
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.column import Kind
    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.piles import Pile

__all__ = ["DISGUISED", "infer_columns"]

FITTING: Final = 0.9
"""Least share of different cells that must be numbers, or dates, where others are missing."""
FEW: Final = 20
"""Up to this many different whole numbers, cells such as 3B beside them are codes, too."""
DISGUISED: Final = (
    *("?", "-", "--", ".", "*", "unknown", "missing", "none", "n.a.", "nil", "undefined"),
    *("(blank)", "#value!", "#ref!", "#div/0!", "#num!"),
)
"""Marks of missing cells that may also be words: between numbers and dates they are missing."""
CODE: Final = r"^(?:\d+[A-Za-z]+|[A-Za-z]+\d+)\w*$"
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
            column, said, open_ = _infer(
                name, cells, hints, wish=wish, kept=kept, alone=len(inputs) == 1
            )
            columns[name] = replace(column, missing=hints.marks)
            notes += said
            if open_:
                unsure[name] = cells
            if roles.get(name) == "time" and column.kind not in {"number", "date"}:
                raise DataError(f"column {name!r} of times must hold dates or numbers; got others")
    if unsure and hints.decimal is None:
        _settle_decimals(columns, unsure, notes)
    return columns, notes


def _infer(
    name: str, cells: Sequence[Cells], hints: Hints, *, wish: Kind | None, kept: bool, alone: bool
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
        return _typed(cells, wish)
    texts = distinct(cells)
    if wish in {None, "number"}:
        found = _number(name, texts, hints, asked=wish == "number")
        if found is not None:
            return found
    if wish in {None, "date"}:
        dated = _date(name, texts, hints, asked=wish == "date")
        if dated is not None:
            return *dated, False
    return *_string(name, texts, cells, wish, alone=alone, kept=kept), False


def _typed(cells: Sequence[Cells], wish: Kind | None) -> tuple[Column, list[Note], bool]:
    """Return the column of typed cells."""
    own: Kind
    kind = cells[0].type
    if pa.types.is_timestamp(kind):
        own = "date"
    elif pa.types.is_boolean(kind):
        own = "category"
    else:
        own = "number"
    return Column(own if wish is None else wish), [], False


def _number(
    name: str, texts: Sequence[str], hints: Hints, *, asked: bool
) -> tuple[Column, list[Note], bool] | None:
    """Return the column of written numbers; None where they are none."""
    plain = [text for text in texts if text.casefold() not in DISGUISED]
    form, share, either = find_form(plain, hints.decimal)
    if not asked and (share < FITTING or not plain):
        return None
    parsed = parse_numbers(pa.chunked_array([pa.array(texts, pa.string())]), form)
    numbers = parsed.values[~np.isnan(parsed.values)]
    pairs = zip(texts, parsed.strange, strict=True)
    strange = [text for text, odd in pairs if odd and text in plain]
    codes = has_codes(list(texts)) or _are_codes(numbers, strange)
    if codes and not asked:
        return None
    column = Column("number", form.decimal, form.thousands, form.unit)
    notes = []
    if either:
        said = f"{_example(texts, parsed.strange)} may have thousands or a decimal comma"
        notes.append(Note(name, f"{said}; read as thousands", "decimal", ","))
    return column, notes, either


def _are_codes(numbers: NDArray[Any], strange: Sequence[str]) -> str:
    """Return why whole numbers beside cells such as 3B are codes; empty where they are not."""
    if not strange or (numbers != np.round(numbers)).any():
        return ""
    alike = pc.match_substring_regex(pa.array(strange, pa.string()), CODE)
    return "letters in some" if pc.any(alike).as_py() or len(numbers) <= FEW // 4 else ""


def _example(texts: Sequence[str], strange: NDArray[Any]) -> str:
    fitting = [text for text, odd in zip(texts, strange, strict=True) if not odd]
    return max(fitting, key=len, default="")


def _date(
    name: str, texts: Sequence[str], hints: Hints, *, asked: bool
) -> tuple[Column, list[Note]] | None:
    """Return the column of written dates; None where they are none."""
    form, share, either = hints.format(name), 1.0, False
    if not form:
        form, share, either = find_format([t for t in texts if t.casefold() not in DISGUISED])
        if share < FITTING and not (asked and form):
            return None
    notes = []
    if either:
        said = f"{texts[0]} may begin with day or month; read as {shown_format(form)}"
        other = form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        notes.append(Note(name, said, "dates", f"{name}={other}"))
    return Column("date", format=form), notes


def _string(
    name: str,
    texts: Sequence[str],
    cells: Sequence[Cells],
    wish: Kind | None,
    *,
    alone: bool,
    kept: bool,
) -> tuple[Column, list[Note]]:
    """Return the column of texts, categories or identifiers."""
    if wish in {"category", "text"}:
        return Column(wish), []
    n = sum(len(part) - part.null_count for part in cells)
    kind, uncertain, why = string_kind(texts, n, alone=alone)
    if kind == "identifier" and not kept:
        return Column("identifier", why=why), [
            Note(name, f"identifier, {why}; left out", "keep", name)
        ]
    kind = "category" if kind == "identifier" else kind
    codes = has_codes(list(texts)) if find_form(list(texts[:200]))[1] >= FITTING else ""
    notes = []
    if codes:
        notes.append(Note(name, f"whole numbers with {codes} are categories", "numbers", name))
    elif find_form(list(texts))[1] >= FITTING:
        said = f"codes such as {joined(misfits(texts))} beside numbers: categories"
        notes.append(Note(name, said, "numbers", name))
    elif uncertain:
        other = ("categories", "text")[kind == "category"]
        notes.append(
            Note(name, f"{len(texts)} different strings are read as {_plural(kind)}", other, name)
        )
    if kind == "category":
        alike = spellings(texts)[:1]
        notes += [
            Note(name, f"{joined(one)} are different categories: are they one?") for one in alike
        ]
    return Column(kind), notes


def _plural(kind: str) -> str:
    return {"category": "categories", "text": "texts"}[kind]


def _settle_decimals(
    columns: dict[str, Column], unsure: Mapping[str, Sequence[Cells]], notes: list[Note]
) -> None:
    """Read open columns with a decimal comma where plain ones have it."""
    sure = [c for name, c in columns.items() if c.kind == "number" and name not in unsure]
    plain = {column.decimal for column in sure if column.decimal != "." or column.thousands}
    if plain != {","}:
        return
    for name, cells in unsure.items():
        form, _, _ = find_form(distinct(cells), ",")
        columns[name] = replace(
            columns[name], decimal=form.decimal, thousands=form.thousands, unit=form.unit
        )
        notes[:] = [note for note in notes if note.about != name]
        notes.append(Note(name, "numbers with a decimal comma, as in other columns"))
