"""Numbers as people write them: decimal commas, thousands, units and negative ones in brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells

__all__ = [
    "UNITS",
    "Form",
    "Numbers",
    "bracketed",
    "check_signs",
    "find_form",
    "has_codes",
    "has_points",
    "is_whole",
    "may_be_grouped",
    "misfits",
    "parse_numbers",
    "plain_numbers",
    "share_of_numbers",
    "shown_form",
]

PLAIN: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
INFINITE: Final = r"(?i)^[+-]?inf(inity)?$"
UNITS: Final = (
    *("%", "$", "€", "£", "¥", "₹", "₽", "₩"),
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN"),
)
"""Units before or behind numbers that most cells of a column may have; others all must have."""
UNIT: Final = re.compile(r"[^\d\s.,'()+−-][^\n]{0,14}")
SAMPLE: Final = 2_000
ZEROS: Final = r"^[+-]?0\d"
LONG: Final = r"^[+-]?\d{16,}$"
GROUPED: Final = r"^([+-]?([1-9]\d{0,2}\.\d{3}|[1-9]\d{0,2}|0))?$"
"""Numbers of three digits behind their only point, or of at most three: 1.014 may be 1014."""
DIGITS: Final = r"^([+-]?\d+)?$"
COMMA: Final = {"decimal": ",", "thousands": ""}
BRACKETS: Final = (r"^\((.*)\)$", r"^([^-]+)-$")
"""Negative numbers: (283.50) and 12-."""
SPACE: Final = "[ \u00a0\u202f]*"
HEAD: Final = 100


@final
@dataclass(frozen=True)
class Form:
    """Signs in written numbers: of decimals, of thousands, and a unit before or behind them."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""


SIGNS: Final = (
    *((".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'")),
    *((".", "\u00a0"), (",", "\u00a0"), (".", "\u202f"), (",", "\u202f")),
)
"""Signs of decimals and of thousands, the most likely first."""


def check_signs(said: Mapping[str, Any]) -> None:
    """Refuse signs of written numbers that no number has.

    Raises
    ------
    DataError
        If the sign of decimals is no point or comma, that of thousands or the unit is not known.
    """
    pair = (said.get("decimal", "."), said.get("thousands", ""))
    unit = said.get("unit", "")
    if pair not in SIGNS or (unit and not UNIT.fullmatch(unit)):
        raise DataError(
            "signs of numbers must be decimal '.' or ',', other thousands, and a unit such as % or "
            f"kg, or none; got {pair} and unit {unit!r:.20}"
        )


def shown_form(form: Form) -> str:
    """Write a form in words; empty for plain numbers.

    Examples
    --------
    >>> shown_form(Form(",", ".", "€"))
    "decimal comma, thousands '.', €"
    """
    comma = ["decimal comma"] if form.decimal == "," else []
    thousands = "space" if form.thousands.isspace() else repr(form.thousands)
    groups = [f"thousands {thousands}"] if form.thousands else []
    return ", ".join([*comma, *groups, *([form.unit] if form.unit else [])])


class Numbers(NamedTuple):
    """Parsed cells: values (n,), NaN where missing; whether each is no number; infinite ones."""

    values: NDArray[np.float64]
    strange: NDArray[np.bool_]
    infinite: int


def plain_numbers(cells: Cells) -> NDArray[np.float64] | None:
    """Parse texts that are all plain numbers or empty (NaN), (n,); return None for others."""
    if not pa.types.is_string(cells.type):
        return None
    try:
        filled = pc.if_else(pc.equal(cells, ""), None, cells).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return np.asarray(filled.to_numpy(), np.float64)


def parse_numbers(cells: Cells, form: Form) -> Numbers:
    """Parse cells, (n,); texts that are no number in this form, and infinity, are missing."""
    if not pa.types.is_string(cells.type):
        values = cells.cast(pa.float64()).to_numpy()
        endless = np.isinf(values)
        return Numbers(
            np.where(endless, np.nan, values), np.zeros(len(values), bool), endless.sum()
        )
    plain = plain_numbers(cells) if form == Form() else None
    if plain is not None:
        endless = np.isinf(plain)
        nothing = np.zeros(len(plain), bool)
        return Numbers(np.where(endless, np.nan, plain), nothing, int(endless.sum()))
    texts = _bare(cells, form.unit)
    endless = pc.match_substring_regex(texts, INFINITE)
    if form.thousands:
        grouped = rf"^[+-]?[1-9]\d{{0,2}}([{form.thousands}]\d{{3}})+([{form.decimal}]\d*)?$"
        right = pc.match_substring_regex(texts, grouped)
        texts = pc.if_else(right, pc.replace_substring(texts, form.thousands, ""), texts)
    if form.decimal != ".":
        dotted = pc.match_substring(texts, ".")  # its sign of thousands, out of place
        texts = pc.if_else(dotted, "", pc.replace_substring(texts, form.decimal, "."))
    right = pc.match_substring_regex(texts, PLAIN)
    values = pc.if_else(right, texts, None).cast(pa.float64()).to_numpy()
    beyond = np.isinf(values)  # 1e999
    endless = endless.fill_null(False).to_numpy() | beyond
    strange = cells.is_valid().to_numpy() & np.isnan(values) & ~endless
    return Numbers(np.where(beyond, np.nan, values), strange, int(endless.sum()))


def find_form(texts: list[str], decimal: str | None = None) -> tuple[Form, float, bool]:
    """Find the form of most texts: it, the share of texts that fit, and whether others fit as well.

    Parameters
    ----------
    texts
        Different cells, none of them missing; at most 4,000 of them count.
    decimal
        Sign of decimals, where it is known.
    """
    texts = texts[:: max(1, len(texts) // SAMPLE)]
    mostly = next((u for u in UNITS if _share(texts, u) > 0.5), "")
    best, share = Form(), -1.0
    for unit in dict.fromkeys((mostly, mostly or _common_unit(texts))):
        for sign, thousands in SIGNS:
            form = Form(sign, thousands, unit)
            if decimal in {None, sign} and (fits := share_of_numbers(texts, form)) > share:
                best, share = form, fits
        if share == 1:
            break
    comma = best.decimal == "." and best.thousands == ","  # 21,501 may be 21.501
    either = comma and decimal is None and share_of_numbers(texts, replace(best, **COMMA)) == share
    return best, share, either


def share_of_numbers(texts: Sequence[str], form: Form) -> float:
    """Return the share of texts that are numbers in a form; 0 without texts."""
    if not texts:
        return 0.0
    some = texts[:: max(1, len(texts) // SAMPLE)]
    cells = pa.chunked_array([pa.array(some, pa.string())])
    return 1 - float(parse_numbers(cells, form).strange.mean())


def may_be_grouped(piles: Sequence[Cells], unit: str = "") -> bool:
    """Return whether a point may stand between thousands: 1.014, 345.012 and 7, in each pile.

    A pile without points may have any whole numbers.
    """
    written = [cells for cells in piles if pa.types.is_string(cells.type)]
    pointed = [cells for cells in written if pc.any(pc.match_substring(cells, ".")).as_py()]
    return bool(pointed) and all(
        pc.all(pc.match_substring_regex(_bare(cells[:most], unit), form)).as_py() is not False
        for most in (HEAD, None)
        for cells in written
        for form in [GROUPED if any(cells is one for one in pointed) else DIGITS]
    )


def has_points(cells: Cells) -> bool:
    """Return whether written numbers have decimal points, by the first of them."""
    found = pa.types.is_string(cells.type) and pc.any(pc.match_substring(cells[:HEAD], ".")).as_py()
    return bool(found)


def bracketed(texts: Sequence[str]) -> str:
    """Return a negative number in brackets, or with a minus behind; empty without one."""
    cells = pa.array(texts, pa.string())
    for form in BRACKETS:
        found = cells.filter(pc.match_substring_regex(cells, form))
        if len(found):
            return str(found[0])
    return ""


def _bare(cells: Cells, unit: str) -> Cells:
    """Write numbers without a unit, and negative ones with a minus in front."""
    texts = pc.replace_substring(cells, "−", "-")
    if unit:
        mark = f"(?:{re.escape(unit)})?"
        form = rf"^([(+-]*){SPACE}{mark}{SPACE}(.*?){SPACE}{mark}{SPACE}([)-]*)$"
        texts = pc.replace_substring_regex(texts, form, r"\1\2\3")
    for form in BRACKETS:
        if pc.any(pc.match_substring_regex(texts, form)).as_py():
            texts = pc.replace_substring_regex(texts, form, r"-\1")
    return texts


def misfits(texts: Sequence[str]) -> list[str]:
    """Return the texts that are numbers in no form."""
    cells = pa.chunked_array([pa.array(texts, pa.string())])
    form, _, _ = find_form(list(texts))
    pairs = zip(texts, parse_numbers(cells, form).strange, strict=True)
    return [text for text, strange in pairs if strange and find_form([text])[1] < 1]


def has_codes(cells: Any, unit: str = "") -> str:
    """Return why whole numbers are codes: leading zeros, or more digits than a float keeps."""
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.array(cells, pa.string())
    cells = _bare(cells, unit) if unit else cells
    if pc.any(pc.match_substring_regex(cells, ZEROS + r"\d*$")).as_py():
        return "leading zeros"
    if pc.any(pc.match_substring_regex(cells, LONG)).as_py():
        return "16 digits or more"
    return ""


def _share(texts: list[str], unit: str) -> float:
    ends = [(text.lstrip("(+-−"), text.rstrip(")-")) for text in texts]
    return float(np.mean([a.startswith(unit) or b.endswith(unit) for a, b in ends] or [False]))


def _common_unit(texts: Sequence[str]) -> str:
    """Return the unit behind all of several different texts; empty without one."""
    if len(texts) < 2:
        return ""
    ends = [text.rstrip(")- ")[::-1] for text in texts]
    first, last = min(ends), max(ends)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    unit = first[:n][::-1].lstrip("0123456789.,'()+−- \u00a0\u202f")
    return unit if UNIT.fullmatch(unit) else ""


def is_whole(values: NDArray[Any]) -> bool:
    """Return whether all numbers that are there are whole."""
    known = values[~np.isnan(values)]
    return bool((known == np.round(known)).all())
