"""Few labels: from MNIST to USPS, and from five speakers to a sixth."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fourfold import Domain

BASELINES: Final = ("TargetOnly", "Linear", "SourceOnly")
CONSERVATIVE: Final = ("L2SP", "KLAdaptation", "LwF", "Rehearsal")
METHODS: Final = ("FineTune", *CONSERVATIVE, "LayerTransfer", "Prototypes", "CosineHead")
GAINS: Final = ("gain_best_vs_target_only", "gain_conservative_vs_finetune")


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: source rows, rows to choose on and to test on, seeds."""

    source_rows: int = 10_000
    chosen_on: int = 1000
    test_rows: int = 2007
    utterances: int = 50
    speakers: int = 6
    seeds: int = 5
    epochs: int = 10
    min_steps: int = 200


class Case(NamedTuple):
    """One target with few labels: its source, and other rows to choose methods and to test on."""

    source: Domain
    few: Domain
    choose: Domain
    test: Domain
    seed: int


def _digits(s: Settings, shots: int) -> Iterator[Case]:
    """From MNIST to USPS, seen at 28 × 28; labels to learn and to choose from its training part."""
    from fourfold import Domain

    x, y = data.mnist()
    (seen, of), (test, test_y) = (
        (data.resized(pictures, 28), digits)
        for pictures, digits in (data.usps(), data.usps("test"))
    )
    for seed in range(s.seeds):
        random = np.random.default_rng(seed)
        chosen = random.choice(len(x), s.source_rows, replace=False)
        few = data.each_class(of, np.arange(len(of)), shots, random).ravel()
        rest = random.permutation(np.setdiff1d(np.arange(len(of)), few))[: s.chosen_on]
        yield Case(
            source=Domain(x[chosen], y[chosen]),
            few=Domain(seen[few], of[few]),
            choose=Domain(seen[rest], of[rest]),
            test=Domain(test[: s.test_rows], test_y[: s.test_rows]),
            seed=seed,
        )


def _speech(s: Settings, shots: int) -> Iterator[Case]:
    """From five speakers to the sixth, each in turn; other utterances of the sixth are halved."""
    from fourfold import Domain

    spoken, digits, speakers = data.utterances(s.utterances)
    for seed, speaker in enumerate(sorted(set(speakers))[: s.speakers]):
        random = np.random.default_rng(seed)
        others, own = np.flatnonzero(speakers != speaker), np.flatnonzero(speakers == speaker)
        few = data.each_class(digits, own, shots, random).ravel()
        rest = random.permutation(np.setdiff1d(own, few))
        half = len(rest) // 2
        piles = (others, few, rest[:half], rest[half:])
        yield Case(*(Domain(spoken[pile], digits[pile]) for pile in piles), seed)


class Task(NamedTuple):
    """Questions: the cases, labels a class, and further parameters of every method."""

    cases: Callable[[Settings, int], Iterator[Case]]
    shots: tuple[int, ...]
    network: dict[str, Any]
    methods: tuple[str, ...]


SMALL: Final = {"channels": (16, 32), "hidden_layer_sizes": (64,), "batch_norm": True}
TASKS: Final = {
    "usps": Task(_digits, (1, 5, 10), {}, METHODS),
    "speech": Task(_speech, (1, 3, 5), SMALL, tuple(m for m in METHODS if m != "LayerTransfer")),
}


def _side(task: str, shots: int, s: Settings) -> Measures:
    """Fit every method on every case; return their scores and the gains of the best ones."""
    tested: dict[str, list[float]] = defaultdict(list)
    chosen: dict[str, list[float]] = defaultdict(list)
    asked = TASKS[task]
    for case in asked.cases(s, shots):
        for name, model in _fitted(case, asked, s):
            tested[name].append(model.score(case.test.rows, case.test.y))
            chosen[name].append(model.score(case.choose.rows, case.choose.y))
    best = max(asked.methods, key=lambda name: np.mean(chosen[name]))
    careful = max(CONSERVATIVE, key=lambda name: np.mean(chosen[name]))
    pairs = {GAINS[0]: (best, "TargetOnly"), GAINS[1]: (careful, "FineTune")}
    found: Measures = {name: float(np.mean(scores)) for name, scores in tested.items()}
    for gain, (ours, theirs) in pairs.items():
        found |= interval(gain, np.subtract(tested[ours], tested[theirs]))
        found[f"{gain}: {ours}"] = 1.0
    return found


def _fitted(case: Case, task: Task, s: Settings) -> Iterator[tuple[str, Any]]:
    """Fit each method; source models are trained once a case, in a store."""
    from sklearn.frozen import FrozenEstimator

    import fourfold
    from fourfold.frozen.store import using
    from fourfold.preparation.choose import Standardize

    fourfold.keep_memory()
    prepare = Standardize().fit(case.source.rows, case.few.rows)
    given: dict[str, Any] = {"random_state": case.seed, "prepare": FrozenEstimator(prepare)}
    network = fourfold.ConvNet(**task.network) if task.network else None
    length = {"recipe__epochs": s.epochs, "recipe__min_steps": s.min_steps}
    with tempfile.TemporaryDirectory() as folder, using(fourfold.Store(folder)):
        for name in (*BASELINES, *task.methods):
            method = getattr(fourfold, name)().set_params(**given)
            if "recipe" in method.get_params(deep=False):  # it trains a network
                method.set_params(network=network, **length)
            yield name, method.fit(case.few, source=case.source)


def _figures(medians: Medians) -> dict[str, float]:
    return {
        f"{gain}_{side.replace(' ', '_')}{end}": found[f"{gain}{end}"]
        for side, found in medians.items()
        for gain in GAINS
        for end in ("", "_low", "_high")
    }


SIDES: Final[Mapping[str, Any]] = {
    f"{name} {shots}": partial(_side, name, shots)
    for name, task in TASKS.items()
    for shots in task.shots
}

BENCHMARK: Final = Benchmark(
    name="finetuning",
    title="Few labels a class: MNIST to USPS, five speakers to a sixth",
    counts="""
      · Accuracy on USPS's test part; on half of what the sixth speaker says besides the few.
      · A gain is that of the method that is best on other labelled rows of the target, which no
        model learns from and which are not the rows to test on; which one it was stands beside
        the figure as 1.
      · Intervals: 95 %, Student's t over the seeds, or over the speakers, each with its seed.
      · Every method has its defaults and as many steps; source models are trained anew a seed.
        Speech has a small convnet, and goes without LayerTransfer's search, for time.
    """,
    sides=SIDES,
    figures=_figures,
    targets={
        f"gain_best_vs_target_only_{side.replace(' ', '_')}_low": Target("≥", 0.0) for side in SIDES
    },
    packages=("torch", "scikit-learn", "h5py", "soundfile", "kaldi-native-fbank"),
    settings=Settings(),
    quick=Settings(
        source_rows=100,
        chosen_on=50,
        test_rows=50,
        utterances=12,
        speakers=2,
        seeds=2,
        epochs=1,
        min_steps=3,
    ),
    rounds=1,
)
