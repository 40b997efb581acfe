"""Symbols of transcripts: characters in NFC, and texts as sequences of their codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import category, normalize

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["MISSING", "encode_texts", "normalized", "spelled", "symbols_of"]

MISSING: Final = -1
"""Code behind the last symbol of a text, and of a text that is missing."""
APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2019\u02bc`", "'"))
LONE: Final = re.compile(r"(?<!\w)'|'(?!\w)")
"""Apostrophes that do not stand inside of a word."""


def normalized(text: str, *, plain: bool) -> str:
    """Return a text in NFC with single spaces; a plain one in lower case, without punctuation.

    Apostrophes inside of words stay, and dashes part words.

    Examples
    --------
    >>> normalized("  That's   all -- FOLKS! ", plain=True)
    "that's all folks"
    """
    text = normalize("NFC", text)
    if plain:
        text = normalize("NFC", text.lower().translate(APOSTROPHES))
        kept = (c if c == "'" or category(c)[0] not in "PSC" else _parted(c) for c in text)
        text = LONE.sub("", "".join(kept))
    return " ".join(text.split())


def _parted(sign: str) -> str:
    return " " if category(sign) in {"Pd", "Pc", "Cc"} or sign in "/\\" else ""


def symbols_of(texts: Iterable[str]) -> list[str]:
    """Return the different characters of texts, sorted."""
    return sorted(set().union(*texts))


def encode_texts(texts: Sequence[str | None], symbols: Sequence[str]) -> NDArray[np.int64]:
    """Encode texts as positions of their symbols, (n, longest), −1 behind the end of each."""
    codes = {symbol: code for code, symbol in enumerate(symbols)}
    longest = max((len(text) for text in texts if text is not None), default=0)
    found = np.full((len(texts), max(longest, 1)), MISSING, np.int64)
    for row, text in zip(found, texts, strict=True):
        if text is not None:
            row[: len(text)] = [codes[symbol] for symbol in text]
    return found


def spelled(codes: Iterable[int], symbols: Sequence[str]) -> str:
    """Write the text of codes, up to the mark of its end."""
    return "".join(symbols[code] for code in codes if code != MISSING)
