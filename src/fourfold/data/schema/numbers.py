"""Numbers as people write them: decimal commas, thousands, percent and currencies."""

from __future__ import annotations

from dataclasses import dataclass
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
    "Form",
    "Numbers",
    "check_signs",
    "find_form",
    "has_codes",
    "is_whole",
    "misfits",
    "parse_numbers",
    "plain_numbers",
]

PLAIN: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
INFINITE: Final = r"(?i)^[+-]?inf(inity)?$"
UNITS: Final = ("%", "$", "€", "£", "¥")
SAMPLE: Final = 2_000
ZEROS: Final = r"^[+-]?0\d"
LONG: Final = r"^[+-]?\d{16,}$"


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
    if pair not in SIGNS or said.get("unit", "") not in {"", *UNITS}:
        got = f"{pair} and unit {said.get('unit', '')!r:.20}"
        raise DataError(
            "signs of numbers must be decimal '.' or ',', other thousands, and unit "
            f"{', '.join(UNITS)} or none; got {got}"
        )


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
    texts = pc.replace_substring(cells, "−", "-")
    if form.unit:
        texts = pc.utf8_trim(texts, f"{form.unit} ")
    endless = pc.match_substring_regex(texts, INFINITE)
    if form.thousands:
        grouped = rf"^[+-]?\d{{1,3}}([{form.thousands}]\d{{3}})+([{form.decimal}]\d*)?$"
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
    cells = pa.chunked_array([pa.array(texts, pa.string())])
    unit = next((u for u in UNITS if _share(texts, u) > 0.5), "")
    fits = {}
    for sign, thousands in SIGNS:
        if decimal in {None, sign}:
            form = Form(sign, thousands, unit)
            fits[form] = 1 - float(parse_numbers(cells, form).strange.mean()) if texts else 0.0
    best = max(fits, key=lambda form: fits[form])
    comma = best == Form(".", ",", unit)  # 21,501 may be 21.501
    other = Form(",", "", unit)
    return best, fits[best], bool(comma and fits.get(other, 0.0) == fits[best])


def misfits(texts: Sequence[str]) -> list[str]:
    """Return the texts that are numbers in no form."""
    cells = pa.chunked_array([pa.array(texts, pa.string())])
    form, _, _ = find_form(list(texts))
    pairs = zip(texts, parse_numbers(cells, form).strange, strict=True)
    return [text for text, strange in pairs if strange and find_form([text])[1] < 1]


def has_codes(cells: Any) -> str:
    """Return why whole numbers are codes: leading zeros, or more digits than a float keeps."""
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.array(cells, pa.string())
    if pc.any(pc.match_substring_regex(cells, ZEROS + r"\d*$")).as_py():
        return "leading zeros"
    if pc.any(pc.match_substring_regex(cells, LONG)).as_py():
        return "16 digits or more"
    return ""


def _share(texts: list[str], unit: str) -> float:
    return float(np.mean([unit in {text[:1], text[-1:]} for text in texts])) if texts else 0.0


def is_whole(values: NDArray[Any]) -> bool:
    """Return whether all numbers that are there are whole."""
    known = values[~np.isnan(values)]
    return bool((known == np.round(known)).all())
