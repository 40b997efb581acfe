"""Inference of numbers and dates among written cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import distinct, written
from fourfold.data.schema.column import Column
from fourfold.data.schema.dates import share_of_dates, shown_format
from fourfold.data.schema.inference.by_file import (
    DISGUISED,
    FITTING,
    find_dates,
    find_numbers,
    own_forms,
)
from fourfold.data.schema.notes import Note
from fourfold.data.schema.numbers import (
    UNITS,
    Form,
    bracketed,
    has_codes,
    is_whole,
    may_be_grouped,
    parse_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.schema.cells import Cells
    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.inference.by_file import Found, Parts

__all__ = ["compact_dates", "open_point", "open_sign", "written_dates", "written_numbers"]

FEW: Final = 20
"""Up to this many different whole numbers, cells such as 3B beside them are codes, too."""
COMPACT: Final = "%Y%m%d"
DATES: Final = (19_000_101, 21_001_231)
SIGNED: Final = re.compile(r"\d[.,]\d")
CODE: Final = r"^(?:\d+[A-Za-z]+|[A-Za-z]+\d+)\w*$"


def written_numbers(
    name: str, parts: Parts, cells: Sequence[Cells], hints: Hints, *, asked: bool
) -> tuple[Column, list[Note], bool] | None:
    """Return the column of numbers, and whether its sign of decimals is open; None for others."""
    found = find_numbers(parts, hints.decimal)
    if not asked and found.share < FITTING:
        return None
    of = parts.of if found.files else {"": parts.texts}
    forms: Mapping[str, Form] = found.files or {"": found.form}
    if not asked and any(_are_codes(of[file], form) for file, form in forms.items()):
        return None
    form = found.form
    others = {file: vars(own) for file, own in forms.items() if own != form}
    column = Column("number", **vars(form), files=others)
    notes = own_forms(name, found)
    if not notes:
        notes = _shortened(name, parts.texts, form)
    doubts = open_sign(name, found, parts, cells, hints)
    return column, notes + doubts, bool(doubts)


def open_sign(
    name: str, found: Found[Form], parts: Parts, cells: Sequence[Cells], hints: Hints
) -> list[Note]:
    """Return the doubt on numbers whose only sign may be of decimals or of thousands."""
    if hints.decimal is None and found.either:
        signed = [text for text in parts.texts if SIGNED.search(text)]
        said = f"{max(signed, key=len)} may have thousands or a decimal comma; read as thousands"
        return [Note(name, said, "decimal", ",")]
    of = dict(zip(parts.of, cells, strict=True))
    alone: list[tuple[Sequence[Cells], Form]]
    alone = [([of[file]], form) for file, form in found.files.items()]
    doubts = [
        open_point(name, some, hints, form.unit)
        for some, form in alone or [(cells, found.form)]
        if form.decimal == "." and not form.thousands
    ]
    return next(filter(None, doubts), [])


def open_point(name: str, cells: Sequence[Cells], hints: Hints, unit: str = "") -> list[Note]:
    """Return the doubt on numbers whose point may be of decimals or of thousands."""
    if hints.decimal is not None or not may_be_grouped(cells, unit):
        return []
    signed = [text for text in distinct(map(written, cells)) if SIGNED.search(text)]
    said = f"{max(signed, key=len)} may have a decimal point or thousands; read as decimals"
    return [Note(name, said, "decimal", ",")]


def compact_dates(name: str, cells: Sequence[Cells]) -> list[Note]:
    """Return the doubt on whole numbers that may be dates: 20210131."""
    values = np.concatenate([part.cast(pa.float64()).to_numpy() for part in cells])
    values = values[~np.isnan(values)]
    first, last = DATES
    if not len(values) or values.min() < first or values.max() > last or not is_whole(values):
        return []
    texts = [str(int(value)) for value in np.unique(values)]
    if share_of_dates(texts, COMPACT) < 1:
        return []
    said = f"{texts[0]} may be a date; read as a number"
    return [Note(name, said, "dates", f"{name}={COMPACT}")]


def _shortened(name: str, texts: Sequence[str], form: Form) -> list[Note]:
    """Return remarks on units and brackets of numbers, which are cut off."""
    notes = []
    if form.unit and form.unit not in UNITS:
        said = f"every number has the unit {form.unit!r}, which is cut off"
        notes.append(Note(name, said, "categories", name))
    negative = bracketed(texts)
    if negative:
        notes.append(Note(name, f"{negative} is read as negative", "categories", name))
    return notes


def _are_codes(texts: Sequence[str], form: Form) -> bool:
    """Return whether whole numbers are codes: by leading zeros, or since cells such as 3B occur."""
    if has_codes(list(texts), form.unit):
        return True
    parsed = parse_numbers(pa.chunked_array([pa.array(texts, pa.string())]), form)
    numbers = parsed.values[~np.isnan(parsed.values)]
    odd = pa.array(texts, pa.string()).filter(pa.array(parsed.strange)).to_pylist()
    strange = [text for text in odd if text.casefold() not in DISGUISED]
    if not strange or (numbers != np.round(numbers)).any():
        return False
    alike = pc.match_substring_regex(pa.array(strange, pa.string()), CODE)
    return bool(pc.any(alike).as_py()) or len(numbers) <= FEW // 4


def written_dates(
    name: str, parts: Parts, hints: Hints, *, asked: bool
) -> tuple[Column, list[Note]] | None:
    """Return the column of dates; None for others."""
    form = hints.format(name)
    if form:
        return Column("date", format=form), []
    found = find_dates(parts)
    form = found.form
    if found.share < FITTING and not (asked and form):
        return None
    others = {file: {"format": own} for file, own in found.files.items() if own != form}
    notes = own_forms(name, found)
    if found.either and not notes:
        said = f"{parts.texts[0]} may begin with day or month; read as {shown_format(form)}"
        other = form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        notes.append(Note(name, said, "dates", f"{name}={other}"))
    return Column("date", format=form, files=others), notes
