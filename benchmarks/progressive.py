"""Progressive networks on digits: the worth of old columns, and the cost of a useless one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold import Domain

SIDE: Final = 16
"""Pixels of USPS's pictures; MNIST's become as small."""


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: labelled rows of the source and of a target, test rows, seeds."""

    source_rows: int = 3000
    rows: int = 400
    few: int = 100
    test_rows: int = 2000
    epochs: int = 10
    min_steps: int = 200
    seeds: int = 5


class Digits(NamedTuple):
    """Pictures (n, 16, 16) of bytes and their digits: to learn from, and to test on."""

    x: NDArray[np.uint8]
    y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]

    def some(self, n: int, seed: int, *, shuffled: bool = False) -> Domain:
        """Draw labelled rows to learn from; with labels in a random order, if asked for."""
        from fourfold import Domain

        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.x), n, replace=False)
        y = random.permutation(self.y[chosen]) if shuffled else self.y[chosen]
        return Domain(self.x[chosen], y)

    def seen(self, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Digits:
        """Return the same digits, seen otherwise."""
        return Digits(change(self.x), self.y, change(self.test_x), self.test_y)


def _mnist(test_rows: int, *, source: bool) -> Digits:
    """Read MNIST for the first column, or other rows of it for those that come later."""
    rows = slice(0, 10_000) if source else slice(10_000, 20_000)
    (x, y), (test_x, test_y) = data.mnist("train"), data.mnist("t10k")
    return Digits(_shrunk(x[rows]), y[rows], _shrunk(test_x[:test_rows]), test_y[:test_rows])


def _shrunk(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off MNIST's margins, which USPS lacks, and make pictures as small as there."""
    return data.resized(pictures[:, 4:24, 4:24], SIDE)


def _usps(test_rows: int) -> Digits:
    (x, y), (test_x, test_y) = data.usps("train"), data.usps("test")
    return Digits(x, y, test_x[:test_rows], test_y[:test_rows])


def _rotated(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(pictures, axes=(1, 2)))


def _inverted(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return 255 - pictures


def _noisy(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, 60, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)


def _targets(s: Settings) -> dict[str, Digits]:
    """Return the tasks after MNIST, in the order of the chain."""
    mnist = _mnist(s.test_rows, source=False)
    return {
        "rotated": mnist.seen(_rotated),
        "inverted": mnist.seen(_inverted),
        "noisy": mnist.seen(_noisy),
        "usps": _usps(s.test_rows),
    }


def _method(name: str, s: Settings, seed: int, **parameters: Any) -> Any:
    import fourfold

    network = fourfold.ConvNet(channels=(16, 32), hidden_layer_sizes=(64,))
    recipe = fourfold.Recipe(epochs=s.epochs, min_steps=s.min_steps)
    kind = getattr(fourfold, name)
    return kind(network=network, recipe=recipe, random_state=seed, **parameters)


def _scored(name: str, s: Settings, *, chained: bool = False) -> Measures:
    """Learn one target after MNIST: with its column, with a random one, and alone.

    In a chain, all the other targets are columns, too, and only that network is trained.
    """
    targets, mnist = _targets(s), _mnist(s.test_rows, source=True)
    digits = targets.pop(name)
    kinds = ("ProgressiveNetwork", "RandomColumn", "TargetOnly")
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(s.seeds):
        source: Any = mnist.some(s.source_rows, seed)
        if chained:
            source = [source, *(d.some(s.rows, seed) for d in targets.values())]
        target = digits.some(s.rows, seed)
        for kind in kinds[:1] if chained else kinds:
            measured = {} if kind == "TargetOnly" else {"measure": True}
            model = _method(kind, s, seed, **measured).fit(target, source=source)
            if measured:
                found[f"transfer score, {kind}"].append(model.transfer_score_)
            found[f"accuracy, {kind}"].append(model.score(digits.test_x, digits.test_y))
    return _summed(found)


def _harmed(s: Settings) -> Measures:
    """Learn few digits of USPS after MNIST with its labels in a random order."""
    usps, mnist = _usps(s.test_rows), _mnist(s.test_rows, source=True)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(2 * s.seeds):
        target = usps.some(s.few, seed)
        source = mnist.some(s.source_rows, seed, shuffled=True)
        kinds = ("TargetOnly", "ProgressiveNetwork", "FineTune", "RandomColumn")
        models = {kind: _method(kind, s, seed).fit(target, source=source) for kind in kinds}
        scores = {kind: m.score(usps.test_x, usps.test_y) for kind, m in models.items()}
        for kind, score in scores.items():
            found[f"accuracy, {kind}"].append(score)
            if kind != "TargetOnly":
                found[f"harm, {kind}"].append(score - scores["TargetOnly"])
    return _summed(found)


def _summed(found: Mapping[str, Sequence[float]]) -> Measures:
    """Average over seeds; scores and harms with the ends of their 95 % interval."""
    measures: Measures = {}
    for name, values in found.items():
        if name.startswith("accuracy"):
            measures[name] = float(np.mean(values))
        else:
            measures |= interval(name, values)
    return measures


RELATED: Final = ("rotated", "inverted", "noisy", "usps")


def _figures(medians: Medians) -> dict[str, float]:
    figures: dict[str, float] = {}
    for side in (*RELATED, "chain"):
        for kind, short in (("ProgressiveNetwork", "transfer_score"), ("RandomColumn", "random")):
            if f"transfer score, {kind}" in medians[side]:
                figures[f"{short}_{side}"] = medians[side][f"transfer score, {kind}"]
    harm = medians["shuffled"]
    for kind, short in (("ProgressiveNetwork", "harm"), ("FineTune", "finetune_harm")):
        for end in ("", "_low", "_high"):
            figures[f"{short}_from_shuffled_source{end}"] = harm[f"harm, {kind}{end}"]
    return figures


BENCHMARK: Final = Benchmark(
    name="progressive",
    title="Progressive networks on digits of 16 × 16, a small convnet, MNIST first",
    counts="""
      · A transfer score is the area under the learning curve on held-out rows of the target's
        training part, divided by that of the same network alone; 1 is no transfer.
      · random_*: the same with a random frozen column instead of MNIST's.
      · chain: MNIST, then rotated, inverted, noisy digits, each beside those before, then USPS.
      · harm: accuracy on USPS's test part minus that of the target alone, with MNIST's labels in
        a random order; its 95 % interval over twice as many seeds.
      · Test parts are scored once; nothing is chosen on them.
    """,
    sides={
        **{name: partial(_scored, name) for name in RELATED},
        "chain": partial(_scored, "usps", chained=True),
        "shuffled": _harmed,
    },
    figures=_figures,
    targets={
        **{f"transfer_score_{name}": Target("≥", 1.0) for name in (*RELATED, "chain")},
        "harm_from_shuffled_source_high": Target("≥", 0.0),
    },
    packages=("torch", "numpy", "scipy", "h5py"),
    settings=Settings(),
    quick=Settings(source_rows=100, rows=40, few=30, test_rows=100, epochs=1, min_steps=5, seeds=2),
    rounds=1,
)
