"""Short texts of four domains: whether people find them positive."""

from __future__ import annotations

from functools import cache, partial
from typing import Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

__all__ = ["PAIRS", "opinions"]

SOURCE: Final = 2000
EVALUATE: Final = 1500
TRANSFERS: Final = (
    ("amazon", "movies"),
    ("movies", "tweets"),
    ("tweets", "nyt"),
    ("nyt", "amazon"),
)
"""Each domain once as the source and once as the target."""


@cache
def opinions(domain: str) -> Rows:
    """Return the texts of a domain that are not rated neutral, each once: 0 and 1."""
    texts, scores = data.sentiment()[domain]
    first = np.unique(np.array(texts, object), return_index=True)[1]
    kept = np.sort(first[scores[first] != 0])
    return Rows([texts[i] for i in kept], (scores[kept] > 0).astype(np.int64))


def _build(names: tuple[str, str], each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    source, target = (opinions(name) for name in names)
    assert target.y is not None
    drawn = np.sort(random.permutation(len(source.X))[:SOURCE])
    few = draw_each(target.y, each, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(target.X)), few))[:EVALUATE]
    return Case(source.at(drawn), target.at(few), target.at(np.sort(rest)))


def _pair(names: tuple[str, str], *, encoder: bool = False) -> Pair:
    return Pair(
        name="-".join(names) + ("-encoded" if encoder else ""),
        family="sentiment",
        group="texts",
        metric="accuracy",
        budgets=(8, 32, 128),
        draws=1 if encoder else 2,
        build=partial(_build, names),
        each=True,
        encoder=encoder,
    )


PAIRS: Final = [
    *(_pair(names) for names in TRANSFERS),
    *(_pair(names, encoder=True) for names in TRANSFERS[::2]),
]
