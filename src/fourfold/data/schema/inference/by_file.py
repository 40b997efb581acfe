"""Forms of numbers and formats of dates, file by file where one does not fit all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from fourfold.data.schema.cells import distinct
from fourfold.data.schema.dates import find_format, share_of_dates, shown_format
from fourfold.data.schema.notes import Note
from fourfold.data.schema.numbers import Form, find_form, share_of_numbers, shown_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fourfold.data.schema.cells import Cells

__all__ = ["DISGUISED", "FITTING", "Parts", "find_dates", "find_numbers", "in_parts", "own_forms"]

FITTING: Final = 0.9
"""Least share of different cells that must be numbers, or dates, where others are missing."""
DISGUISED: Final = (
    *("?", "-", "--", ".", "*", "unknown", "missing", "none", "n.a.", "nil", "undefined"),
    *("(blank)", "#value!", "#ref!", "#div/0!", "#num!"),
)
"""Marks of missing cells that may also be words: between numbers and dates they are missing."""
F = TypeVar("F", bound=Form | str)


class Parts(NamedTuple):
    """Different cells of a column: of all files, and of each."""

    texts: Sequence[str]
    of: Mapping[str, Sequence[str]]


class Found(NamedTuple, Generic[F]):
    """A form: the share of cells that it fits, whether another fits as well, forms of files.

    The form is that of the last file, in which new rows are read. ``files`` names those of all
    files, if they differ.
    """

    form: F
    share: float
    either: bool
    files: Mapping[str, F]


def in_parts(names: Sequence[str], cells: Sequence[Cells]) -> Parts:
    """Return the different cells of a column in files of some names."""
    of = [distinct([part]) for part in cells]
    pooled = sorted({text for texts in of for text in texts})
    return Parts(pooled, dict(zip(names, of, strict=True)))


def find_numbers(parts: Parts, decimal: str | None) -> Found[Form]:
    """Find the form of numbers, marks of missing ones aside.

    A sign of decimals that is said is that of the files in which it is possible.
    """

    def find(texts: list[str]) -> tuple[Form, float, bool]:
        said = find_form(texts, decimal)
        return said if said[1] >= FITTING or decimal is None else find_form(texts)

    found = _find(parts, find, share_of_numbers)
    if found.files or found.form.thousands != ",":
        return found
    return found._replace(
        either=any(find(_plain(texts))[2] for texts in [parts.texts, *parts.of.values()])
    )


def find_dates(parts: Parts) -> Found[str]:
    """Find the format of dates, marks of missing ones aside."""
    return _find(parts, find_format, share_of_dates)


def own_forms(name: str, found: Found[Form] | Found[str]) -> list[Note]:
    """Return the remark on files that are each read in their own form."""
    if not found.files:
        return []
    named: dict[str, list[str]] = {}
    for file, form in found.files.items():
        shown = _shown(form)
        named.setdefault(shown, []).append(file)
    said = "; ".join(f"{form} in {', '.join(files)}" for form, files in named.items())
    last = [*found.files][-1]
    said = f"{said}: each file is read in its own form, new rows as in {last}"
    return [Note(name, said, "categories", name)]


def _shown(form: Form | str) -> str:
    if isinstance(form, str):
        return shown_format(form)
    point = "decimal point" if form.decimal == "." else ""
    return ", ".join(filter(None, [point, shown_form(form)]))


def _find(
    parts: Parts,
    find: Callable[[list[str]], tuple[F, float, bool]],
    share_of: Callable[[Sequence[str], F], float],
) -> Found[F]:
    """Find the form of all files, or that of each.

    A file has its own form where this fits all its cells, or most, and the common one does not.
    """
    form, share, either = find(_plain(parts.texts))
    alone = Found(form, share, either, {})
    if share == 1 or len(parts.of) < 2:
        return alone
    forms: dict[str, F] = {}
    shares, open_ = [], False
    for name, texts in parts.of.items():
        plain = _plain(texts)
        own, fits, unsure = find(plain)
        common = share_of(plain, form) if share else 0.0
        if fits == 1 > common or fits >= FITTING > common:
            open_, common = open_ or unsure, fits
        else:
            own = form
        if plain:
            forms[name] = own
            shares.append(common)
    if len({*forms.values()}) < 2 or min(shares) < FITTING:
        return alone
    return Found([*forms.values()][-1], min(shares), open_, forms)


def _plain(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text.casefold() not in DISGUISED]
