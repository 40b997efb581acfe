"""Character n-grams, which tell likely spellings from unlikely ones."""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING, Final, NamedTuple, Self, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CharacterNgram"]

START: Final = "\n"
"""Stands before a text."""


@final
class CharacterNgram(NamedTuple):
    """Probabilities of a character after those before it, by counts.

    Counts of longer contexts are interpolated with shorter ones by Witten and Bell's rule: a
    context that was followed by t different characters in n places counts n/(n + t).

    Attributes
    ----------
    order
        Characters of the longest n-gram.
    counts
        Context → next character → count.
    n_symbols
        Number of symbols, which share what no count speaks for.

    References
    ----------
    Chen & Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, 1999.
    """

    order: int
    counts: Mapping[str, Mapping[str, int]]
    n_symbols: int

    @classmethod
    def of(cls, texts: Iterable[str], order: int, n_symbols: int) -> Self:
        """Count the n-grams of texts, up to an order."""
        counts: dict[str, Counter[str]] = {}
        for text in texts:
            padded = START * (order - 1) + text
            for at in range(order - 1, len(padded)):
                for length in range(order):
                    counts.setdefault(padded[at - length : at], Counter())[padded[at]] += 1
        return cls(order, counts, n_symbols)

    def log_probability(self, symbol: str, before: str) -> float:
        """Return log p(symbol | the last characters before it), in nats."""
        context = (START * (self.order - 1) + before)[len(before) :]
        p = 1 / self.n_symbols
        for length in range(self.order):
            followers = self.counts.get(context[len(context) - length :] if length else "")
            if followers is None:
                break
            total, kinds = sum(followers.values()), len(followers)
            p = (followers.get(symbol, 0) + kinds * p) / (total + kinds)
        return log(p)
