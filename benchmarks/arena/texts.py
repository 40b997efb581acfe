"""Texts: whether people find short ones positive, in four domains; topics of posts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Final

import numpy as np

from benchmarks import data, topics
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
TOPICS: Final = {
    "rec": (("rec.autos", "rec.sport.baseball"), ("rec.motorcycles", "rec.sport.hockey")),
    "sci": (("sci.crypt", "sci.med"), ("sci.electronics", "sci.space")),
    "comp": (
        ("comp.graphics", "comp.sys.mac.hardware"),
        ("comp.os.ms-windows.misc", "comp.sys.ibm.pc.hardware"),
    ),
    "talk": (
        ("talk.politics.mideast", "talk.religion.misc"),
        ("talk.politics.guns", "talk.politics.misc"),
    ),
}
"""Topic → newsgroups of the source, and others of the target."""


@cache
def opinions(domain: str) -> Rows:
    """Return the texts of a domain that are not rated neutral, each once: 0 and 1."""
    texts, scores = data.sentiment()[domain]
    first = np.unique(np.array(texts, object), return_index=True)[1]
    kept = np.sort(first[scores[first] != 0])
    return Rows([texts[i] for i in kept], (scores[kept] > 0).astype(np.int64))


@cache
def posts(names: tuple[str, str]) -> tuple[Rows, Rows]:
    """Return the posts on two topics in newsgroups of the source, and in those of the target.

    References
    ----------
    Dai et al., Co-clustering based Classification for Out-of-domain Documents, KDD 2007.
    """
    texts = topics.posts()
    parts = []
    for groups in zip(*(TOPICS[name] for name in names), strict=True):
        found = [[text for group in of for text in texts[group]] for of in groups]
        labels = np.repeat(np.arange(len(names)), [len(of) for of in found])
        parts.append(Rows([text for of in found for text in of], labels))
    source, target = parts
    return source, target


def _opinions(names: tuple[str, str], each: int, draw: int) -> Case:
    source, target = (opinions(name) for name in names)
    return _drawn(source, target, each, draw)


def _posts(names: tuple[str, str], each: int, draw: int) -> Case:
    return _drawn(*posts(names), each, draw)


def _drawn(source: Rows, target: Rows, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
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
        budgets=(1, 8, 32, 128),
        draws=1 if encoder else 2,
        build=partial(_opinions, names),
        each=True,
        encoder=encoder,
    )


PAIRS: Final = [
    *(_pair(names) for names in TRANSFERS),
    *(_pair(names, encoder=True) for names in TRANSFERS[::2]),
    *(
        replace(_pair(names), family="newsgroups", budgets=(1, 8, 32), build=partial(_posts, names))
        for names in (("rec", "sci"), ("comp", "talk"))
    ),
]
