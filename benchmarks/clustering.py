"""Nothing labelled: texts by topic, domains of texts and pairs of digits; and the time it takes."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from joblib import Memory

from benchmarks import data, topics
from benchmarks.harness import ROOT, Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    Labels = NDArray[np.intp]

OURS: Final = ("SelfTaughtClustering", "LatentKMeans")
BASELINES: Final = ("CoClustering", "KMeansClustering", "SpectralCoClustering")
PAIRS: Final = ((0, 6), (1, 7), (2, 3), (3, 5), (4, 9), (8, 9))
TOPICS: Final = 4
CLUSTERS: Final = 20
SHRUNK: Final = (8, 4, 2, 1)
"""The table is a part of its size, in rows, features and counts."""
KEPT: Final = ROOT / "runs" / "benchmarks"
"""Finished cases, by version, so that an interrupted run goes on."""


@final
@dataclass(frozen=True)
class Settings:
    """Rows to cluster and to judge, auxiliary rows, draws; the table to be timed."""

    sizes: tuple[int, ...] = (60, 150, 300)
    new: int = 200
    texts: int = 2000
    pictures: int = 1000
    together: int = 4
    draws: int = 6
    rows: int = 20_000
    features: int = 10_000
    nonzero: int = 2_000_000
    rounds: int = 20


class Case(NamedTuple):
    """Rows of some classes to cluster, others of the same to judge, and the auxiliary rows."""

    name: str
    size: int
    seed: int
    target: Any
    y: NDArray[np.int64]
    new: Any
    new_y: NDArray[np.int64]
    auxiliary: Any


def _counted(
    name: str,
    size: int,
    seed: int,
    classes: Sequence[Sequence[str]],
    others: Sequence[str],
    s: Settings,
) -> Case:
    """Count the words of texts: as many of each class to cluster, more to judge, others beside."""
    from sklearn.feature_extraction.text import CountVectorizer

    each, more = size // len(classes), s.new // len(classes)
    target = [text for part in classes for text in part[:each]]
    new = [part[each : each + more] for part in classes]
    words = CountVectorizer(min_df=2, max_features=20_000).fit([*target, *others])
    parts = (target, [text for part in new for text in part], others)
    tables = [words.transform(part) for part in parts]
    labels = [
        np.repeat(np.arange(len(classes)), each),
        np.repeat(np.arange(len(classes)), [len(part) for part in new]),
        np.zeros(len(others)),
    ]
    full = [np.asarray(table.sum(axis=1)).ravel() > 0 for table in tables]
    tables = [table[kept] for table, kept in zip(tables, full, strict=True)]
    y, new_y, _ = (part[kept] for part, kept in zip(labels, full, strict=True))
    return Case(name, size, seed, tables[0], y, tables[1], new_y, tables[2])


def _by_topic(
    name: str, texts: dict[str, list[str]], more: list[str], s: Settings, size: int, seed: int
) -> Case:
    """Draw four topics to cluster; beside them lie others, or also more of the same."""
    random = np.random.default_rng(seed)
    names = sorted(texts)
    chosen = sorted(random.permutation(len(names))[:TOPICS])
    drawn = {one: [texts[one][i] for i in random.permutation(len(texts[one]))] for one in names}
    own = [drawn[names[i]] for i in chosen]
    others = [text for i, one in enumerate(names) if i not in chosen for text in drawn[one]] + more
    if name.startswith("same"):
        used = size // TOPICS + s.new // TOPICS
        others += [text for part in own for text in part[used:]]
    beside = [others[i] for i in random.permutation(len(others))[: s.texts]]
    return _counted(f"{name} {seed}", size, seed, own, beside, s)


def _texts(s: Settings, size: int, seed: int) -> Case:
    """Draw from two domains, the other two beside; a row is some consecutive texts of one file.

    They are of each file's second half: methods were chosen on the first.
    """
    documents = {
        name: [
            " ".join(texts[i : i + s.together])
            for i in range(len(texts) // 2, len(texts), s.together)
        ]
        for name, texts in data.sentiment_texts().items()
    }
    pairs = list(itertools.combinations(documents, 2))
    pair = pairs[seed % len(pairs)]
    random = np.random.default_rng(seed)
    drawn = {
        name: [found[i] for i in random.permutation(len(found))]
        for name, found in documents.items()
    }
    others = [t for name in documents if name not in pair for t in drawn[name][: s.texts // 4]]
    return _counted(" ".join(pair), size, seed, [drawn[name] for name in pair], others, s)


def _digits(s: Settings, size: int, seed: int) -> Case:
    """Draw a pair of digits, the other eight beside, as counts of patches that the others teach."""
    from fourfold.algorithms.codebook import PatchCodebook

    x, y = data.mnist()
    pair = PAIRS[seed % len(PAIRS)]
    random = np.random.default_rng(seed)
    own = [random.permutation(np.flatnonzero(y == digit)) for digit in pair]
    rest = np.flatnonzero(~np.isin(y, pair))
    target = np.concatenate([part[: size // 2] for part in own])
    new = np.concatenate([part[size // 2 : size // 2 + s.new // 2] for part in own])
    auxiliary = random.choice(rest, s.pictures, replace=False)
    small = [data.resized(x[index], 16) for index in (target, new, auxiliary)]
    book = PatchCodebook(random_state=seed).fit(small[2])
    tables = [book.transform(part) for part in small]
    return Case(f"{pair}", size, seed, tables[0], y[target], tables[1], y[new], tables[2])


COLLECTIONS: Final = {
    "topics": lambda *case: _by_topic("topics", topics.newsgroups(1), [], *case),
    "same_topics": lambda *case: _by_topic("same", topics.newsgroups(1), [], *case),
    "news": lambda *case: _by_topic("news", *topics.newswire(), *case),
    "texts": _texts,
    "digits": _digits,
}


def _measured(collection: str, s: Settings, size: int, seed: int) -> Measures:
    """Cluster a case with each method; say how good the clusters are."""
    import fourfold
    from fourfold import Domain
    from fourfold.algorithms.clustering.counts import cluster_entropy

    found: Measures = {}
    case = COLLECTIONS[collection](s, size, seed)
    k = len(np.unique(case.y))
    for name in (*OURS, *BASELINES):
        model = getattr(fourfold, name)(n_clusters=k, random_state=case.seed)
        began = time.process_time()
        model.fit(case.target, source=Domain(case.auxiliary))
        found[f"seconds {name}"] = time.process_time() - began
        found[f"NMI {name}"] = model.score(case.target, case.y)
        found[f"entropy {name}"] = cluster_entropy(case.y, model.labels_)
        found[f"NMI of new rows {name}"] = model.score(case.new, case.new_y)
        found[f"entropy of new rows {name}"] = cluster_entropy(case.new_y, model.predict(case.new))
    return found


def _quality(s: Settings, collection: str) -> Measures:
    """Measure all cases of a collection; one that is kept from an earlier run is not repeated."""
    measure = Memory(KEPT / version("fourfold"), verbose=0).cache(_measured)
    found: dict[str, list[float]] = defaultdict(list)
    for size, seed in itertools.product(s.sizes, range(s.draws)):
        for name, value in measure(collection, s, size, seed).items():
            found[name].append(value)
            if name.startswith("NMI"):
                found[f"{name} {size}"].append(value)
    return {name: float(np.mean(values)) for name, values in found.items()} | _gains(found, s)


def _gains(found: dict[str, list[float]], s: Settings) -> Measures:
    """Compare our methods to each baseline, paired: over all cases, and by draw."""
    gains: Measures = {}
    for ours, name in [*itertools.product(OURS, BASELINES), OURS[::-1]]:
        who = name if ours == OURS[0] else f"{ours} - {name}"
        for what in ("NMI", "NMI of new rows"):
            difference = np.subtract(found[f"{what} {ours}"], found[f"{what} {name}"])
            gains |= interval(f"gain {what} {who}", difference)
            by_size = difference.reshape(len(s.sizes), s.draws)
            gains |= interval(f"gain by task {what} {who}", by_size.mean(axis=0))
    return gains


class Timed(NamedTuple):
    """Two tables of counts, and where the search begins."""

    tables: list[sparse.csr_array]
    rows: list[Labels]
    features: Labels


def _timed(s: Settings, part: int = 1) -> Timed:
    """Plant clusters, in which 3 of 10 counts lie; the search starts anywhere."""
    random = np.random.default_rng(0)
    n, m = s.rows // part, s.features // part
    features = random.integers(CLUSTERS, size=m)
    rows = [random.integers(CLUSTERS, size=n) for _ in range(2)]
    tables = [_planted(labels, features, s.nonzero // part, random) for labels in rows]
    start = [random.integers(CLUSTERS, size=n) for _ in range(2)]
    return Timed(tables, start, random.integers(CLUSTERS, size=m))


def _planted(
    rows: Labels, features: Labels, nonzero: int, random: np.random.Generator
) -> sparse.csr_array:
    from scipy import sparse

    n, m = len(rows), len(features)
    order = np.argsort(features, kind="stable")
    ends = np.searchsorted(features[order], np.arange(CLUSTERS + 1))
    x = np.concatenate([np.arange(n), random.integers(n, size=nonzero - n)])  # no row is empty
    own = rows[x]
    inside = order[ends[own] + (random.random(nonzero) * np.diff(ends)[own]).astype(np.intp)]
    z = np.where(random.random(nonzero) < 0.3, inside, random.integers(m, size=nonzero))
    table = sparse.csr_array((random.integers(1, 4, nonzero).astype(float), (x, z)), shape=(n, m))
    table.sum_duplicates()
    return table


class Run(NamedTuple):
    """Seconds to read the counts and to search, rounds of the search, and its objective."""

    reading: float
    searching: float
    rounds: int
    objective: float


def _fourfold(s: Settings) -> Measures:
    run = _ours(_timed(s), s.rounds)
    return {"seconds": run.reading + run.searching, "objective": run.objective}


def _ours(given: Timed, rounds: int) -> Run:
    from fourfold.algorithms.clustering.alternation import improve
    from fourfold.algorithms.clustering.counts import Counts, Partition

    began = time.perf_counter()
    tables = [Counts(table) for table in given.tables]
    read = time.perf_counter()
    start = Partition(given.rows, given.features)
    found = improve(tables, [1.0, 1.0], start, [CLUSTERS] * 3, rounds=rounds, tolerance=0.0)
    done = time.perf_counter()
    return Run(read - began, done - read, len(found.curve) - 1, found.curve[-1])


def _peer(s: Settings, name: str) -> Measures:
    from scipy import sparse

    from benchmarks.peers import scipy_cocluster

    given, weights = _timed(s), [1.0, 1.0]
    run = {"plain": scipy_cocluster.cluster, "aggregated": scipy_cocluster.aggregated}[name]
    began = time.perf_counter()
    tables = [sparse.csr_array(table / table.sum()) for table in given.tables]
    rows, features = run(tables, weights, given.rows, given.features, [CLUSTERS] * 3, s.rounds)
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "objective": scipy_cocluster.objective(tables, weights, rows, features),
    }


def _growth(s: Settings) -> Measures:
    """Time as many rounds over tables of four sizes; a small one may be done after fewer."""
    _ours(_timed(s, SHRUNK[0]), s.rounds)  # warm
    found = {}
    for part in SHRUNK:
        given = _timed(s, part)
        runs = [_ours(given, s.rounds) for _ in range(5)]
        best = min(run.reading + s.rounds * run.searching / run.rounds for run in runs)
        found[f"seconds 1/{part}"] = best
    return found


def _figures(medians: Medians) -> dict[str, float]:
    seconds = {side: medians[side]["seconds"] for side in ("fourfold", "plain", "aggregated")}
    growth = [medians["growth"][f"seconds 1/{part}"] for part in SHRUNK]
    exponent = np.polyfit(-np.log(SHRUNK), np.log(growth), 1)[0]
    measured = {
        f"{name.replace(' - ', '_minus_').replace(' ', '_')}_{side}": value
        for side in COLLECTIONS
        for name, value in medians[side].items()
        if name.startswith(("gain", "NMI"))
    }
    return {
        "clustering_speedup": seconds["plain"] / seconds["fourfold"],
        "clustering_speedup_vs_aggregated": seconds["aggregated"] / seconds["fourfold"],
        "clustering_exponent": float(exponent),
        "objective_difference": abs(
            medians["fourfold"]["objective"] - medians["plain"]["objective"]
        ),
        **measured,
    }


BENCHMARK: Final = Benchmark(
    name="clustering",
    title="Nothing labelled: texts by topic, domains of texts and pairs of digits, and its speed",
    counts="""
      · 60, 150 and 300 rows to cluster, six draws each. topics: four of ten newsgroups, 2000
        posts of the other six beside; same_topics: 2000 posts of all ten beside; news: four
        topics of Reuters' R52, 2000 articles of others beside; words that occur in 2 rows. texts:
        two domains of short texts, 4 consecutive ones a row, 500 rows each of the other two
        beside. digits: two of MNIST at 16 × 16, 1000 others beside, counts of 64 kinds of patches
        in 3 × 3 places, learnt from the others.
      · The methods were chosen on other data: ten other newsgroups, the first half of each
        domain's texts, USPS.
      · NMI and entropy (bits) of the clustered rows, and of up to 200 rows of the same classes
        that no method saw. No method saw a label; each has its defaults.
      · A gain is that over a baseline, paired; its interval (95 %, Student's t) is over all draws
        × sizes, and, by task, over the draws' means.
      · Speed: two tables of 20000 × 10000 with 2 million counts each, 20 clusters of each kind;
        one search from the same random start, 20 rounds without a prior, and the same result:
        objective_difference is how far the two ends are apart. Reading the counts is counted,
        with ours also the objective after each round. plain writes the equations down, aggregated
        knows that sums by cluster are enough.
      · Growth: the best of 5 at 1/8, 1/4, 1/2 and all of rows, features and counts; a table that
        is done before 20 rounds counts as if its rounds had gone on to 20.
    """,
    sides={
        **{name: partial(_quality, collection=name) for name in COLLECTIONS},
        "fourfold": _fourfold,
        "plain": lambda s: _peer(s, "plain"),
        "aggregated": lambda s: _peer(s, "aggregated"),
        "growth": _growth,
    },
    figures=_figures,
    targets={
        "clustering_speedup": Target("≥", 5.0),
        "clustering_exponent": Target("≤", 1.1),
        **{
            f"gain_NMI_{name}_{side}": Target("≥", 0.0)
            for name in BASELINES
            for side in ("texts", "digits")
        },
    },
    packages=("torch", "numpy", "scipy", "scikit-learn"),
    settings=Settings(),
    quick=Settings(
        sizes=(20,), new=20, texts=60, pictures=60, draws=2, rows=800, features=400,
        nonzero=20_000, rounds=3,
    ),
    rounds=5,
    steady=frozenset(COLLECTIONS),
)  # fmt: skip
