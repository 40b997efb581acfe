"""Self-taught learning: digits 5–9 without labels for 0–4 with few; sounds; codes' speed."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data, sparse
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fourfold import Domain

LEARNT: Final = ("SparseCoding", "Autoencoder")
BESIDE: Final = ("Linear", "LinearPCA")
CHOSEN_ON: Final = 5000
"""The last so many training pictures of 0–4: on these the methods' defaults were chosen."""
SEEN: Final = 2000
"""The first so many test pictures of 0–4: an earlier version's defaults were compared on these."""


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: labels, unlabelled rows, rows to test on, seeds, epochs, patches."""

    labels: tuple[int, ...] = (50, 100, 500, 1000)
    source_rows: int = 10_000
    test_rows: int = 2000
    utterances: int = 50
    seeds: int = 5
    epochs: int = 20
    speed: sparse.Settings = field(default_factory=sparse.Settings)


class Case(NamedTuple):
    """Unlabelled rows, few labelled ones of other classes, and more of these to test on.

    The few are drawn by class in turn, so that the first of them are a draw of fewer.
    """

    source: Domain
    few: Domain
    test: Domain
    seed: int


def _digits(s: Settings) -> Iterator[Case]:
    from fourfold import Domain

    (x, y), (test, test_y) = data.mnist(), data.mnist("t10k")
    unseen = np.flatnonzero(test_y < 5)[SEEN:][: s.test_rows]
    for seed in range(s.seeds):
        random = np.random.default_rng(seed)
        unlabelled = random.permutation(np.flatnonzero(y > 4))[: s.source_rows]
        few = _few(y, np.flatnonzero(y < 5)[:-CHOSEN_ON], max(s.labels), random)
        yield Case(
            Domain(x[unlabelled]),
            Domain(x[few], y[few]),
            Domain(test[unseen], test_y[unseen]),
            seed,
        )


def _speech(s: Settings) -> Iterator[Case]:
    """Words five to nine without labels, nought to four with: all speakers in both."""
    from fourfold import Domain

    spoken, digits, _ = data.utterances(s.utterances)
    own, unlabelled = np.flatnonzero(digits < 5), np.flatnonzero(digits > 4)
    for seed in range(s.seeds):
        few = _few(digits, own, max(s.labels), np.random.default_rng(seed))
        rest = np.setdiff1d(own, few)
        yield Case(
            Domain(spoken[unlabelled]),
            Domain(spoken[few], digits[few]),
            Domain(spoken[rest], digits[rest]),
            seed,
        )


def _few(
    y: NDArray[np.int64], among: NDArray[np.intp], labels: int, random: np.random.Generator
) -> NDArray[np.intp]:
    """Draw as many rows of each class, the classes in turn."""
    return data.each_class(y, among, labels // len(np.unique(y[among])), random).T.ravel()


class Task(NamedTuple):
    """Questions: the cases, and the inputs of sparse coding."""

    cases: Callable[[Settings], Iterator[Case]]
    windows: Callable[[tuple[int, ...]], dict[str, Any]]


TASKS: Final = {
    "mnist": Task(_digits, lambda _shape: {}),
    "speech": Task(  # all bands of some frames
        _speech, lambda shape: {"window": (shape[-2], 8), "stride": 2}
    ),
}


def _side(task: str, s: Settings) -> Measures:
    """Fit every method on every case; return their scores and gains."""
    tested: dict[tuple[str, int], list[float]] = defaultdict(list)
    for case in TASKS[task].cases(s):
        for name, n, model in _fitted(case, TASKS[task], s):
            tested[name, n].append(model.score(case.test.rows, case.test.y))
    found: Measures = {
        f"{name} {n}": float(np.mean(scores)) for (name, n), scores in tested.items()
    }
    for n in s.labels:
        for name in LEARNT:
            for other in BESIDE:
                gains = np.subtract(tested[name, n], tested[other, n])
                found |= interval(f"{name}-{other} {n}", gains)
    return found


def _fitted(case: Case, task: Task, s: Settings) -> Iterator[tuple[str, int, Any]]:
    from sklearn.frozen import FrozenEstimator

    import fourfold
    from fourfold import Domain
    from fourfold.frozen.store import using
    from fourfold.methods import find
    from fourfold.preparation.choose import Standardize

    fourfold.keep_memory()
    prepare = FrozenEstimator(Standardize().fit(case.source.rows, case.few.rows))
    given: dict[str, Any] = {"random_state": case.seed, "prepare": prepare}
    with tempfile.TemporaryDirectory() as folder, using(fourfold.Store(folder)):
        for name in (*BESIDE, *LEARNT):
            method = find(name).load()().set_params(**given)
            if name == "SparseCoding":
                method.set_params(**task.windows(case.few.rows.shape))
            if name == "Autoencoder":
                method.set_params(recipe__epochs=s.epochs)
            for n in s.labels:
                first = Domain(case.few.rows.subset(np.arange(n)), case.few.y[:n])
                yield name, n, method.fit(first, source=case.source)


def _speed(side: str, s: Settings) -> Measures:
    return sparse.BENCHMARK.sides[side](s.speed)


def _figures(medians: Medians) -> dict[str, float]:
    gains = {
        f"gain_{learnt}_vs_{other}_{task}_{what}".lower(): value
        for task in TASKS
        for learnt in LEARNT
        for other in BESIDE
        for name, value in medians.get(task, {}).items()
        for pair, _, what in [name.partition(" ")]
        if pair == f"{learnt}-{other}"
    }
    fast = {side: medians[side] for side in sparse.BENCHMARK.sides if side in medians}
    return gains | (sparse.BENCHMARK.figures(fast) if fast else {})


BENCHMARK: Final = Benchmark(
    name="selftaught",
    title="Digits 5–9 without labels, 0–4 with few: MNIST and spoken digits; codes of patches",
    counts=(
        """
      · Accuracy on 2000 pictures of 0–4 of MNIST's test part, after the first 2000, on which
        defaults of an earlier version were compared; on what was said besides the few.
      · The methods' defaults were chosen on MNIST's last 5000 training pictures of 0–4, from
        which no label is drawn here; nothing was chosen on speech.
      · Linear and LinearPCA (raw inputs, principal components of all inputs) and the linear
        models on codes choose their penalty in the same way, on the labels given.
      · Intervals: 95 %, Student's t over seeds, each with its own dictionary and labels.
      · Every method has its defaults; a window of sound is the whole band of 8 frames.
    """
        + sparse.BENCHMARK.counts
    ),
    sides={name: partial(_side, name) for name in TASKS}
    | {name: partial(_speed, name) for name in sparse.BENCHMARK.sides},
    figures=_figures,
    targets={
        f"gain_sparsecoding_vs_{other.lower()}_{name}_{labels}_low": Target("≥", 0.0)
        for other in BESIDE
        for name in TASKS
        for labels in Settings().labels
        if labels >= 500
    }
    | dict(sparse.BENCHMARK.targets),
    packages=("torch", "scikit-learn", "soundfile", "kaldi-native-fbank"),
    settings=Settings(),
    quick=Settings(
        labels=(50,),
        utterances=10,
        source_rows=200,
        test_rows=50,
        seeds=2,
        epochs=1,
        speed=sparse.BENCHMARK.quick,
    ),
    rounds=5,
    steady=frozenset(TASKS),
)
