"""Very many labels: a million word vectors, searched exactly and through the index."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.clock import cores
from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


@final
@dataclass(frozen=True)
class Settings:
    """Labels, queries to choose the effort on, others to measure on, and how many of these alone.

    Jitter is a part of the spread that each number has over all words.
    """

    labels: int = 1_000_000
    chosen_on: int = 1000
    queries: int = 3000
    alone: int = 300
    jitter: float = 0.3
    recall: float = 0.995
    seed: int = 0


class Words(NamedTuple):
    """Vectors of length 1: labels (k, 50), queries to choose on, and others to measure on."""

    labels: Vectors
    choose: Vectors
    queries: Vectors

    @classmethod
    def make(cls, s: Settings) -> Words:
        """Repeat GloVe's words with jitter, and jitter labels again for the queries."""
        random, glove = np.random.default_rng(s.seed), data.glove()
        words = glove.vectors(glove.words[: s.labels])
        noise = s.jitter * words.std(axis=0)
        labels = words[np.arange(s.labels) % len(words)]
        repeated = labels[len(words) :]
        repeated += noise * random.standard_normal(repeated.shape, np.float32)
        asked = labels[random.integers(s.labels, size=s.chosen_on + s.queries)]
        asked = asked + noise * random.standard_normal(asked.shape, np.float32)
        return cls(_unit(labels), *np.split(_unit(asked), [s.chosen_on]))


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _alone(search: Callable[[Vectors], object], queries: Vectors) -> float:
    """Return the median of the milliseconds of one query at a time."""
    search(queries[:1])
    seconds = []
    for i in range(len(queries)):
        start = time.perf_counter()
        search(queries[i : i + 1])
        seconds.append(time.perf_counter() - start)
    return 1e3 * statistics.median(seconds)


def _together(search: Callable[[Vectors], object], queries: Vectors) -> float:
    """Return the milliseconds of a query among many."""
    start = time.perf_counter()
    search(queries)
    return 1e3 * (time.perf_counter() - start) / len(queries)


def _exact(s: Settings) -> Measures:
    import faiss

    from fourfold.core.process import threads

    words = Words.make(s)
    flat = faiss.IndexFlatIP(words.labels.shape[1])
    flat.add(words.labels)
    some, alone, numpy = words.queries[: s.alone], [], []
    for n in (1, cores()):
        with threads(n):
            alone.append(_alone(lambda one: flat.search(one, 1), some))
            numpy.append(_alone(lambda one: (words.labels @ one[0]).argmax(), some))
            together = _together(lambda many: flat.search(many, 1), words.queries)
    return {
        "ms a query": min(alone),
        "ms a query, numpy": min(numpy),
        "ms a query of a batch": together,
    }


def _index(s: Settings) -> Measures:
    import faiss

    from fourfold.algorithms.label_index import LabelIndex
    from fourfold.core.process import threads

    words = Words.make(s)
    start = time.perf_counter()
    index = LabelIndex().build(words.labels)
    built = time.perf_counter()
    index.calibrate(words.choose, recall=s.recall)
    chosen = time.perf_counter()
    with threads(1):
        alone = _alone(index.search, words.queries[: s.alone])
    with threads(cores()):
        together = _together(index.search, words.queries)
        _, found = index.search(words.queries)
        flat = faiss.IndexFlatIP(words.labels.shape[1])
        flat.add(words.labels)
        _, true = flat.search(words.queries, 1)
    return {
        "ms a query": alone,
        "ms a query of a batch": together,
        "recall@1": float((found == true).mean()),
        "effort": float(index.effort_),
        "seconds to build": built - start,
        "seconds to choose the effort": chosen - built,
    }


def _figures(medians: Medians) -> dict[str, float]:
    exact, index = medians["labels exact"], medians["labels index"]
    fastest = min(exact["ms a query"], exact["ms a query, numpy"])
    batched = "ms a query of a batch"
    return {
        "labels_recall": index["recall@1"],
        "labels_speedup": fastest / index["ms a query"],
        "labels_speedup_batched": exact[batched] / index[batched],
    }


BENCHMARK: Final = Benchmark(
    name="labels",
    title="A million labels: the index and an exact search",
    counts="""
      · Labels are GloVe's 400000 words, repeated with jitter, .3 of each number's spread, to a
        million vectors of length 1 and 50 numbers; queries are other jitterings of labels.
      · One query at a time, the median of a query: through the index with one thread; exactly,
        the fastest of faiss's IndexFlatIP and numpy's product, with one thread and on all cores.
        Batched: all queries in one call on all cores, exactly by faiss.
      · The index is LabelIndex's own choice, ivf, whose effort is chosen on other queries than
        those measured; recall@1 is against the exact answers. Building is not in the times.
    """,
    sides={"labels exact": _exact, "labels index": _index},
    figures=_figures,
    targets={"labels_recall": Target("≥", 0.99), "labels_speedup": Target("≥", 20)},
    packages=("faiss-cpu", "numpy"),
    settings=Settings(),
    quick=Settings(labels=60_000, chosen_on=50, queries=100, alone=20),
    rounds=3,
)
