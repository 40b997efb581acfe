"""Scripts that separate words by spaces, and scripts that do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WORD", "are_grouped", "separated", "unspaced_letters"]

IDEOGRAMS: Final = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Chinese characters and Japanese kana: one or two make a word."""
ALPHABETS: Final = "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
"""Letters and marks of Thai, Lao, Burmese and Khmer: a word takes several."""
GROUPS: Final = ((1, 2), (2, 3, 4))
"""Lengths of the groups of letters that stand for words, in ideograms and in alphabets."""
RUN: Final = re.compile(f"([{IDEOGRAMS}]+)|([{ALPHABETS}]+)")
MARKS: Final = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963"
    "\u0966-\u0df3\u200c\u200d"
)
"""Accents, vowel points, and Indic vowel signs with their letters: ``\\w`` leaves them out."""
WORD: Final = rf"[\w{MARKS}{ALPHABETS}]+"
"""Pattern of a word in a text that is :func:`separated`."""


def separated(text: str) -> str:
    """Return a text with spaces between its words.

    Runs of a script without spaces become their groups of letters: one and two of Chinese and
    Japanese, two to four of Thai, Lao, Burmese and Khmer. The rest stays as it is.

    Examples
    --------
    >>> separated("我去 Ulm")
    ' 我 去 我去  Ulm'
    """
    return RUN.sub(lambda run: f" {' '.join(_groups(run))} ", text)


def are_grouped(words: Iterable[str]) -> bool:
    """Return whether any of these words is a group of letters."""
    return any(RUN.match(word) for word in words)


def unspaced_letters(text: str) -> int:
    """Return the number of letters of scripts without spaces."""
    return sum(len(run.group()) for run in RUN.finditer(text))


def _groups(run: re.Match[str]) -> list[str]:
    """Return all groups of letters of a run; a shorter run is a group of its own."""
    letters, lengths = run.group(), GROUPS[run.lastindex == 2]
    found = [letters[i : i + n] for n in lengths for i in range(len(letters) - n + 1)]
    return found or [letters]
