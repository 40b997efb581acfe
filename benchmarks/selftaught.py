"""Self-taught learning: digits 5–9 without labels for 0–4 with few; sounds of digits likewise."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from benchmarks.harness import Measures, Medians
    from fourfold import Domain

__all__ = ["BENCHMARK"]

LEARNT: Final = ("SparseCoding", "Autoencoder")
BESIDE: Final = ("Linear", "LinearPCA")


@final
@dataclass(frozen=True)
class Settings:
    """How much there is: unlabelled rows, rows to test on, seeds, epochs of the autoencoder."""

    source_rows: int = 10_000
    test_rows: int = 2000
    utterances: int = 50
    seeds: int = 5
    epochs: int = 20


class Case(NamedTuple):
    """Unlabelled rows, few labelled ones of other classes, and more of these to test on."""

    source: Domain
    few: Domain
    test: Domain
    seed: int


def _digits(s: Settings, labels: int) -> Iterator[Case]:
    from fourfold import Domain

    (x, y), (test, test_y) = data.mnist(), data.mnist("t10k")
    test, test_y = test[test_y < 5][: s.test_rows], test_y[test_y < 5][: s.test_rows]
    for seed in range(s.seeds):
        random = np.random.default_rng(seed)
        unlabelled = random.permutation(np.flatnonzero(y > 4))[: s.source_rows]
        few = _few(y, np.flatnonzero(y < 5), labels, random)
        yield Case(Domain(x[unlabelled]), Domain(x[few], y[few]), Domain(test, test_y), seed)


def _speech(s: Settings, labels: int) -> Iterator[Case]:
    """Words five to nine without labels, nought to four with: all speakers in both."""
    from fourfold import Domain
    from fourfold.readers.encoded import EncodedFiles
    from fourfold.readers.sounds import SoundRows

    paths, digits, _ = data.spoken_digits()
    numbers = np.array([int(path.stem.rsplit("_", 1)[1]) for path in paths])
    kept = numbers < s.utterances
    rows = SoundRows(EncodedFiles(paths, "sound"))
    spoken = rows.take(np.arange(rows.n))
    own = np.flatnonzero(kept & (digits < 5))
    for seed in range(s.seeds):
        random = np.random.default_rng(seed)
        few = _few(digits, own, labels, random)
        rest = np.setdiff1d(own, few)
        unlabelled = np.flatnonzero(kept & (digits > 4))
        yield Case(
            Domain(spoken[unlabelled]),
            Domain(spoken[few], digits[few]),
            Domain(spoken[rest], digits[rest]),
            seed,
        )


def _few(
    y: NDArray[np.int64], among: NDArray[np.intp], labels: int, random: np.random.Generator
) -> NDArray[np.intp]:
    """Draw as many rows of each class."""
    names = np.unique(y[among])
    each = labels // len(names)
    return np.concatenate(
        [random.choice(among[y[among] == name], each, replace=False) for name in names]
    )


class Task(NamedTuple):
    """What is asked: the cases, how many labels there are, what sparse coding codes."""

    cases: Callable[[Settings, int], Iterator[Case]]
    labels: tuple[int, ...]
    windows: Callable[[tuple[int, ...]], dict[str, Any]]


TASKS: Final = {
    "mnist": Task(_digits, (50, 100, 500, 1000), lambda _shape: {}),
    "speech": Task(  # all bands of some frames
        _speech, (50, 100, 500), lambda shape: {"window": (shape[-2], 8), "stride": 2}
    ),
}


def _side(task: str, labels: int, s: Settings) -> Measures:
    """Fit every method on every case; say how good they are, and what sparse codes gain."""
    tested: dict[str, list[float]] = defaultdict(list)
    for case in TASKS[task].cases(s, labels):
        for name, model in _fitted(case, TASKS[task], s):
            tested[name].append(model.score(case.test.rows, case.test.y))
    found: Measures = {name: float(np.mean(scores)) for name, scores in tested.items()}
    for name in LEARNT:
        for other in BESIDE:
            found |= interval(f"{name}-{other}", np.subtract(tested[name], tested[other]))
    return found


def _fitted(case: Case, task: Task, s: Settings) -> Iterator[tuple[str, Any]]:
    from sklearn.frozen import FrozenEstimator

    import fourfold
    from fourfold.core.prepare import Standardize
    from fourfold.core.store import using
    from fourfold.methods import find

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
            yield name, method.fit(case.few, source=case.source)


def _figures(medians: Medians) -> dict[str, float]:
    return {
        f"gain_{name}_vs_{other}_{side.replace(' ', '_')}{end}".lower(): found[
            f"{name}-{other}{end}"
        ]
        for side, found in medians.items()
        for name in LEARNT
        for other in BESIDE
        for end in ("", "_low", "_high")
    }


SIDES: Final[Mapping[str, Any]] = {
    f"{name} {labels}": partial(_side, name, labels)
    for name, task in TASKS.items()
    for labels in task.labels
}

BENCHMARK: Final = Benchmark(
    name="selftaught",
    title="Digits 5–9 without labels, 0–4 with few: MNIST and spoken digits",
    counts=(
        "Accuracy on digits 0–4 of MNIST's test part; on what was said besides the few.",
        (
            "Linear and LinearPCA (raw inputs, principal components of all inputs) and the linear "
            "model on codes choose their penalty in the same way, on the labels given."
        ),
        "Intervals: 95 %, Student's t over seeds, each with its own dictionary and labels.",
        "Every method has its defaults; a window of sound is the whole band of 8 frames.",
    ),
    sides=SIDES,
    figures=_figures,
    targets={
        f"gain_sparsecoding_vs_{other.lower()}_{name}_{labels}_low": Target("≥", 0.0)
        for other in BESIDE
        for name, task in TASKS.items()
        for labels in task.labels
        if labels >= 500
    },
    packages=("torch", "scikit-learn", "soundfile", "kaldi-native-fbank"),
    settings=Settings(),
    quick=Settings(source_rows=200, test_rows=50, utterances=20, seeds=2, epochs=1),
    rounds=1,
)
