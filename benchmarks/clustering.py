"""Nothing labelled: pairs of domains and of digits with the rest beside; and the time it takes."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from benchmarks.harness import Measures, Medians

    Labels = NDArray[np.intp]

__all__ = ["BENCHMARK"]

OURS: Final = "SelfTaughtClustering"
BASELINES: Final = ("CoClustering", "KMeansClustering", "SpectralCoClustering")
PAIRS: Final = ((0, 6), (1, 7), (2, 3), (3, 5), (4, 9), (8, 9))
CLUSTERS: Final = 20
SHRUNK: Final = (8, 4, 2, 1)
"""The table is a part of its size, in rows, features and counts."""


@final
@dataclass(frozen=True)
class Settings:
    """Rows of each class to cluster and to judge, auxiliary rows, seeds; the table to be timed."""

    texts: int = 25
    digits: int = 12
    new: int = 200
    auxiliary: int = 1000
    together: int = 4
    seeds: int = 10
    rows: int = 20_000
    features: int = 10_000
    nonzero: int = 2_000_000
    rounds: int = 20


class Case(NamedTuple):
    """Rows of two classes to cluster, others of the same to judge, and the auxiliary rows."""

    name: str
    seed: int
    target: Any
    y: NDArray[np.int64]
    new: Any
    new_y: NDArray[np.int64]
    auxiliary: Any


def _texts(s: Settings) -> Iterator[Case]:
    """Pairs of domains, the other two beside; a row is some consecutive texts of one file.

    They are of each file's second half: how the method works was looked into on the first.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    documents = {
        name: [
            " ".join(texts[i : i + s.together])
            for i in range(len(texts) // 2, len(texts), s.together)
        ]
        for name, texts in data.sentiment_texts().items()
    }
    for (a, b), seed in itertools.product(itertools.combinations(documents, 2), range(s.seeds)):
        random = np.random.default_rng(seed)
        drawn = {
            name: [found[i] for i in random.permutation(len(found))]
            for name, found in documents.items()
        }
        target = [*drawn[a][: s.texts], *drawn[b][: s.texts]]
        end = s.texts + s.new
        new = [drawn[name][s.texts : end] for name in (a, b)]
        others = [drawn[name][: s.auxiliary // 2] for name in documents if name not in {a, b}]
        auxiliary = [text for part in others for text in part]
        words = CountVectorizer(min_df=2).fit([*target, *auxiliary])
        tables = [words.transform(part) for part in (target, [*new[0], *new[1]], auxiliary)]
        y = np.repeat([0, 1], s.texts)
        new_y = np.repeat([0, 1], [len(part) for part in new])
        yield Case(f"{a} {b}", seed, tables[0], y, tables[1], new_y, tables[2])


def _digits(s: Settings) -> Iterator[Case]:
    """Pairs of digits, the other eight beside, as counts of patches that the others teach."""
    from fourfold.algorithms.codebook import PatchCodebook

    x, y = data.mnist()
    for pair, seed in itertools.product(PAIRS, range(s.seeds)):
        random = np.random.default_rng(seed)
        own = [random.permutation(np.flatnonzero(y == digit)) for digit in pair]
        rest = np.flatnonzero(~np.isin(y, pair))
        target = np.concatenate([part[: s.digits] for part in own])
        new = np.concatenate([part[s.digits : s.digits + s.new] for part in own])
        auxiliary = random.choice(rest, s.auxiliary, replace=False)
        small = [data.resized(x[index], 16) for index in (target, new, auxiliary)]
        book = PatchCodebook(random_state=seed).fit(small[2])
        tables = [book.transform(part) for part in small]
        yield Case(f"{pair}", seed, tables[0], y[target], tables[1], y[new], tables[2])


def _quality(cases: Iterator[Case], seeds: int) -> Measures:
    """Cluster each case with each method; say how good the clusters are, and what ours gains."""
    import fourfold
    from fourfold import Domain
    from fourfold.algorithms.purity import cluster_entropy

    found: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for name in (OURS, *BASELINES):
            model = getattr(fourfold, name)(random_state=case.seed)
            model.fit(case.target, source=Domain(case.auxiliary))
            guesses = model.predict(case.new)
            found[f"NMI {name}"].append(model.score(case.target, case.y))
            found[f"entropy {name}"].append(cluster_entropy(case.y, model.labels_))
            found[f"NMI of new rows {name}"].append(model.score(case.new, case.new_y))
            found[f"entropy of new rows {name}"].append(cluster_entropy(case.new_y, guesses))
            found[f"NMI {name} {case.name}"].append(found[f"NMI {name}"][-1])
    gains: Measures = {}
    for name in BASELINES:
        for what in ("NMI", "NMI of new rows"):
            difference = np.subtract(found[f"{what} {OURS}"], found[f"{what} {name}"])
            gains |= interval(f"gain {what} {name}", difference)
            gains |= interval(f"gain by task {what} {name}", difference.reshape(-1, seeds).mean(1))
    return {name: float(np.mean(values)) for name, values in found.items()} | gains


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
    """Seconds to read the counts and to search, how many rounds that took, and what it reached."""

    reading: float
    searching: float
    rounds: int
    objective: float


def _fourfold(s: Settings) -> Measures:
    run = _ours(_timed(s), s.rounds)
    return {"seconds": run.reading + run.searching, "objective": run.objective}


def _ours(given: Timed, rounds: int) -> Run:
    from fourfold.algorithms.clustering.alternation import improve
    from fourfold.algorithms.clustering.counts import Counts
    from fourfold.algorithms.clustering.information import Partition

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
    gains = {
        f"{name.replace(' ', '_')}_{side}": value
        for side in ("texts", "digits")
        for name, value in medians[side].items()
        if name.startswith("gain")
    }
    return {
        "clustering_speedup": seconds["plain"] / seconds["fourfold"],
        "clustering_speedup_vs_aggregated": seconds["aggregated"] / seconds["fourfold"],
        "clustering_exponent": float(exponent),
        "objective_difference": abs(
            medians["fourfold"]["objective"] - medians["plain"]["objective"]
        ),
        **gains,
    }


BENCHMARK: Final = Benchmark(
    name="clustering",
    title="Self-taught clustering: 6 pairs of text domains, 6 pairs of digits, and its speed",
    counts=(
        (
            "Texts: 2 × 25 rows of two domains, 4 consecutive texts each, the other two beside; "
            "words that occur in 2 rows; of each file the second half, as the first was used to "
            "look into the method. Digits: 2 × 12 of MNIST at 16 × 16, 1000 other digits "
            "beside, counts of 64 kinds of patches in 3 × 3 places, learnt from the others."
        ),
        (
            "NMI and entropy (bits) of the clustered rows, and of up to 400 rows of the same "
            "classes that no method saw. No method saw a label; each has its defaults."
        ),
        (
            "A gain is that over a baseline, paired; its interval (95 %, Student's t) is over all "
            "pairs × seeds, and, by task, over the pairs' means."
        ),
        (
            "Speed: two tables of 20000 × 10000 with 2 million counts each, 20 clusters of each "
            "kind; one search from the same random start, 20 rounds without a prior, and the same "
            "result: objective_difference is what the two end apart. Reading the counts is "
            "counted, with ours also the objective after each round. plain writes the equations "
            "down, aggregated has seen that sums by cluster are enough."
        ),
        (
            "Growth: the best of 5 at 1/8, 1/4, 1/2 and all of rows, features and counts; a table "
            "that is done before 20 rounds counts as if its rounds had gone on to 20."
        ),
    ),
    sides={
        "texts": lambda s: _quality(_texts(s), s.seeds),
        "digits": lambda s: _quality(_digits(s), s.seeds),
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
        texts=10, digits=8, new=20, auxiliary=60, seeds=2, rows=800, features=400, nonzero=20_000,
        rounds=3,
    ),
    rounds=5,
    steady=frozenset({"texts", "digits"}),
)  # fmt: skip
