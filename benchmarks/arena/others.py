"""Pairs of which one side, or both, has no labels: the cells beside few labels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks import clustering, data, zeroshot
from benchmarks.arena import pictures, sounds, tables, texts
from benchmarks.arena.task import Case, Pair, Rows, draw_each

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PAIRS", "halved"]

UNLABELLED: Final = 5000
"""Pictures without labels, of which a network learns features."""
HALF: Final = 1500
"""Target rows at most to adapt to, and as many others to evaluate on."""


# --- a labelled source, an unlabelled target ------------------------------------------------------


def _unlabelled(few: Callable[[int, int], Case], size: int, draw: int) -> Case:
    """Take a case with few labels, and half of its other rows, without labels, as its target."""
    case = few(size, draw)
    return halved(case.source, case.evaluate, draw)


def halved(source: Rows, target: Rows, draw: int) -> Case:
    """Adapt to a half of the target's rows, without labels, and judge on the other."""
    assert target.y is not None
    n = len(target.y)
    order = np.random.default_rng(draw).permutation(n)
    halves = order[: n // 2][:HALF], order[n // 2 :][:HALF]
    parts = [target.at(np.sort(index)) for index in halves]
    return Case(source, Rows(parts[0].X), parts[1])


ADAPTED: Final = {
    pair.name: pair
    for pair in (*tables.PAIRS, *pictures.PAIRS, *texts.PAIRS, *sounds.PAIRS)
    if pair.name
    in (
        *("lending_club", "churn", "mnist-usps", "mnist-optdigits"),
        *("amazon-movies", "nyt-amazon", "speakers-george"),
    )
}


def _adapted(pair: Pair) -> Pair:
    smallest = pair.budgets[0]
    return Pair(
        name=f"{pair.name}-unlabelled",
        family=pair.family,
        group="adaptation",
        metric=pair.metric,
        budgets=(0,),
        draws=2,
        build=lambda _, draw: _unlabelled(pair.build, smallest, draw),
    )


# --- an unlabelled source, a labelled target ------------------------------------------------------


def _taught_digits(labels: int, draw: int) -> Case:
    """Draw digits 5–9 without labels, 0–4 with few."""
    random = np.random.default_rng(draw)
    (x, y), (test, test_y) = data.mnist(), data.mnist("t10k")
    unlabelled = random.permutation(np.flatnonzero(y > 4))[:UNLABELLED]
    own = np.flatnonzero(y < 5)
    few = own[draw_each(y[own], labels // 5, random)]
    judged = np.sort(random.permutation(np.flatnonzero(test_y < 5))[:2000])
    return Case(Rows(x[unlabelled]), Rows(x[few], y[few]), Rows(test[judged], test_y[judged]))


def _taught_words(labels: int, draw: int) -> Case:
    """Draw words five to nine without labels, nought to four with few, of all speakers."""
    random = np.random.default_rng(draw)
    _, digits, _ = data.spoken_digits()
    rows = sounds.utterances()
    own = np.flatnonzero(digits < 5)
    few = own[draw_each(digits[own], labels // 5, random)]
    unlabelled = np.sort(random.permutation(np.flatnonzero(digits > 4))[: UNLABELLED // 5])
    return Case(Rows(rows.at(unlabelled).X), rows.at(few), rows.at(np.setdiff1d(own, few)))


TAUGHT: Final = {
    "taught-mnist": (_taught_digits, "mnist"),
    "taught-words": (_taught_words, "speech"),
}


# --- classes without examples ---------------------------------------------------------------------


def _leaves(_: int, draw: int) -> Case:
    """Draw six of 32 species without examples."""
    x, y, classes = data.leaves()
    random = np.random.default_rng(draw)
    unseen = random.choice(classes.index, 6, replace=False)
    rows, new = Rows(x, y), random.permutation(np.flatnonzero(np.isin(y, unseen)))
    target, evaluate = (rows.at(np.sort(part)) for part in np.array_split(new, 2))
    return Case(
        rows.at(np.flatnonzero(~np.isin(y, unseen))),
        Rows(target.X),
        evaluate,
        seen=classes.drop(index=unseen),
        asked=classes.loc[unseen],
    )


def _emoji(_: int, draw: int) -> Case:
    """Draw ten emoji without examples; each is a class of one picture, described by its name."""
    x, names, vectors = zeroshot.emoji_features()
    unseen = np.random.default_rng(draw).choice(names, 10, replace=False)
    new = np.isin(names, unseen)
    return Case(
        Rows(x[~new], names[~new]),
        Rows(x[new]),
        Rows(x[new], names[new]),
        seen={name: vectors[name] for name in names[~new].tolist()},
        asked={name: vectors[name] for name in unseen.tolist()},
    )


DESCRIBED: Final = {"leaves": (_leaves, 4), "emoji": (_emoji, 2)}
"""Pair → its data, and its draws."""


# --- nothing labelled -----------------------------------------------------------------------------


def _clusters(collection: str, size: int, draw: int) -> Case:
    """Draw rows to cluster, which are judged themselves, and others beside."""
    found = clustering.COLLECTIONS[collection](clustering.Settings(), size, draw)
    target = Rows(found.target, found.y)
    k = len(np.unique(found.y))
    return Case(Rows(found.auxiliary), Rows(found.target), target, clusters=k)


CLUSTERED: Final = {
    "topics": "newsgroups",
    "news": "newswire",
    "texts": "sentiment",
    "digits": "mnist",
}
"""Collection → its family."""


PAIRS: Final[list[Pair]] = [
    *(_adapted(pair) for pair in ADAPTED.values()),
    *(
        Pair(name, family, "selftaught", "accuracy", (50, 100, 500), 1, build)
        for name, (build, family) in TAUGHT.items()
    ),
    *(
        Pair(name, name, "zeroshot", "balanced_accuracy", (0,), draws, build)
        for name, (build, draws) in DESCRIBED.items()
    ),
    *(
        Pair(
            f"clusters-{name}", family, "clustering", "nmi", (60, 300), 2, partial(_clusters, name)
        )
        for name, family in CLUSTERED.items()
    ),
]
