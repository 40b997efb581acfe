"""Texts, categories and identifiers among columns of strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from fourfold.data.scripts import unspaced_letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.schema.column import Kind

__all__ = ["MANY", "StringKind", "are_quantities", "spellings", "string_kind"]

SAMPLE: Final = 2_000
"""Different cells by which a column is judged."""
LETTERS_PER_WORD: Final = 2.5
SENTENCE: Final = 4.0
PHRASE: Final = 3.0
QUANTITY: Final = re.compile(r"(?:[(<>~≈+−-]* ?|[$€£¥] ?|[A-Z]{3} )\d(?!(?:.*[^\W\d_]){10}).{0,24}")
MOSTLY: Final = 0.9
MANY: Final = 20
"""So many different sentences are texts, though they repeat."""


class StringKind(NamedTuple):
    """Kind of a column of strings, and whether another one is likely, too."""

    kind: Kind
    uncertain: bool = False
    why: str = ""


def string_kind(texts: Sequence[str], cells: int, *, alone: bool) -> StringKind:
    """Return the kind of a column of strings.

    *Texts* have several words: four on average in at least 20 different cells, or three where most
    cells differ. Where a column is the only input, and most of its cells differ, two words are
    enough. *Identifiers* are single words of which none occurs twice. Others are *categories*.

    Parameters
    ----------
    texts
        Different cells of all piles.
    cells
        Number of cells that are not missing.
    alone
        Whether the column is the only input.
    """
    if len(texts) < 2:
        return StringKind("category")
    some = texts[:: max(1, len(texts) // SAMPLE)]
    words = float(np.mean([_words(text) for text in some]))
    varied = len(texts) > cells / 2
    if (words >= SENTENCE and len(texts) >= MANY) or (words >= PHRASE and varied):
        return StringKind("text")
    if alone and (varied or len(texts) > MANY) and words > 1:
        return StringKind("text", uncertain=words < 2)
    if len(texts) == cells and cells >= MANY and words < 1.5:
        return StringKind("identifier", uncertain=True, why="no cell occurs twice")
    if varied and len(texts) >= MANY:
        return StringKind("text" if words >= 1.5 else "category", uncertain=True)
    return StringKind("category")


def are_quantities(texts: Sequence[str]) -> bool:
    """Return whether strings begin as numbers do, and hold few letters: 7/2, 5'11", 01.Mär.2020.

    Examples
    --------
    >>> are_quantities(["7/2", "5 1/2"]), are_quantities(["12 Main Street", "B007"])
    (True, False)
    """
    some = texts[:: max(1, len(texts) // SAMPLE)]
    return (
        bool(some) and float(np.mean([bool(QUANTITY.fullmatch(text)) for text in some])) >= MOSTLY
    )


def spellings(texts: Sequence[str]) -> list[list[str]]:
    """Return groups of names that differ only in case or inner spaces.

    Examples
    --------
    >>> spellings(["Cat", "cat", "dog"])
    [['Cat', 'cat']]
    """
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(" ".join(text.casefold().split()), []).append(text)
    return [names for names in alike.values() if len(names) > 1]


def _words(text: str) -> float:
    """Count words; letters of scripts without spaces are parts of words."""
    letters = unspaced_letters(text)
    return len(text.split()) if letters * 2 < len(text) else letters / LETTERS_PER_WORD
