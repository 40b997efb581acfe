"""Layers to copy and layers to train: halves of the digits, shifted inputs and labels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold import Domain

    Labelled: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]

BODY: Final = ("conv1", "conv2", "fc1", "fc2")
"""The layers of the network below its head."""


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: rows of each half; labels a class after a shift; steps; seeds."""

    rows: int = 2000
    test_rows: int = 5000
    epochs: int = 10
    source_rows: int = 10_000
    shots: int = 20
    chosen_on: int = 1000
    steps: int = 300
    rates: tuple[float, ...] = (0.001, 0.01, 0.03)
    seeds: int = 5


def _half(part: str, *, upper: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the digits 0 to 4, or 5 to 9."""
    x, y = data.mnist(part)
    chosen = (y >= 5) == upper
    return x[chosen], y[chosen]


def _halves(s: Settings) -> Measures:
    """Yosinski's curves: 5 to 9 on layers from 0 to 4 (AnB) or from themselves (BnB)."""
    from fourfold import Domain, Recipe

    lower, upper = _half("train", upper=False), _half("train", upper=True)
    test = Domain(*(part[: s.test_rows] for part in _half("t10k", upper=True)))
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(s.seeds):
        random = np.random.default_rng(seed)
        a, b = (
            Domain(x[chosen], y[chosen])
            for x, y in (lower, upper)
            for chosen in [random.choice(len(x), s.rows, replace=False)]
        )
        given = {"random_state": seed, "recipe": Recipe(epochs=s.epochs, min_steps=1)}
        sources = {"a": _taught(a, **given), "b": _taught(b, **given)}
        base = sources["b"].score(test.rows, test.y)
        found["base"].append(base)
        given["random_state"] += s.seeds  # fresh layers shall be other ones than the source's were
        for letter, source in sources.items():
            for n in range(1, len(BODY) + 1):
                for plus, train in (("", "rest"), ("_plus", "all")):
                    model = _transferred(b, source, copy=n, train=train, **given)
                    score = model.score(test.rows, test.y)
                    found[f"{letter}{n}b{plus}"].append(score - base)
    measures: Measures = {"base": float(np.mean(found.pop("base")))}
    for name, differences in found.items():
        measures |= interval(f"{name}_minus_base", differences)
    return measures


def _taught(domain: Domain, **given: Any) -> Any:
    from fourfold import ConvNet, TargetOnly

    return TargetOnly(network=ConvNet(), **given).fit(domain)


def _transferred(target: Domain, source: Any, **given: Any) -> Any:
    from fourfold import LayerTransfer

    return LayerTransfer(**given).fit(target, source=source)


def _inverted(x: NDArray[np.uint8], y: NDArray[np.int64]) -> Labelled:
    return 255 - x, y


def _permuted(x: NDArray[np.uint8], y: NDArray[np.int64]) -> Labelled:
    return x, (y + 3) % 10


def _surgery(shift: Callable[..., Labelled], s: Settings) -> Measures:
    """Train one layer of a network of upright digits; how fast is chosen on other labelled rows."""
    from fourfold import Domain, Recipe

    x, y = data.mnist()
    test = Domain(*shift(*(part[: s.test_rows] for part in data.mnist("t10k"))))
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(s.seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        source, left = order[: s.source_rows], order[s.source_rows :]
        few = np.concatenate([left[y[left] == digit][: s.shots] for digit in range(10)])
        rest = np.setdiff1d(left, few)[: s.chosen_on]
        target, choose = (Domain(*shift(x[part], y[part])) for part in (few, rest))
        taught = _taught(
            Domain(x[source], y[source]), random_state=seed, recipe=Recipe(epochs=s.epochs)
        )
        for layer in (*BODY, "head", "all"):
            best = max(
                (
                    _transferred(
                        target,
                        taught,
                        copy=len(BODY) + 1,
                        train="all" if layer == "all" else (layer,),
                        random_state=seed,
                        recipe=Recipe(steps=s.steps, learning_rate=rate),
                    )
                    for rate in s.rates
                ),
                key=lambda model: model.score(choose.rows, choose.y),
            )
            found[layer].append(best.score(test.rows, test.y))
    measures: Measures = {layer: float(np.mean(scores)) for layer, scores in found.items()}
    return measures | interval("conv1_minus_head", np.subtract(found["conv1"], found["head"]))


def _figures(medians: Medians) -> dict[str, float]:
    figures = dict(medians["halves"])
    for side in ("inverted", "permuted"):
        figures |= {f"{side}_{name}": value for name, value in medians[side].items()}
    return figures


BENCHMARK: Final = Benchmark(
    name="layers",
    title="Layers of a digit network: copied, frozen, trained",
    counts="""
      · halves: 5–9 on the first n layers of a network of 0–4 (anb) or of 5–9 itself (bnb), frozen
        or fine-tuned (plus): accuracy minus that of a network trained on 5–9 alone.
      · inverted, permuted: one layer of a network of upright digits is trained on inverted
        pictures or permuted labels; its learning rate is the best of three on other labelled
        rows, not on those to test on.
      · Intervals: 95 %, Student's t over the seeds, each with rows and source networks its own.
    """,
    sides={
        "halves": _halves,
        "inverted": partial(_surgery, _inverted),
        "permuted": partial(_surgery, _permuted),
    },
    figures=_figures,
    targets={
        f"a{len(BODY)}b_minus_base_high": Target("≤", 0.0),  # what is on top is of its own task
        **{f"a{n}b_plus_minus_base_high": Target("≥", 0.0) for n in range(1, len(BODY) + 1)},
        "inverted_conv1_minus_head_low": Target("≥", 0.0),
        "permuted_conv1_minus_head_high": Target("≤", 0.0),
    },
    packages=("torch", "scikit-learn"),
    settings=Settings(),
    quick=Settings(
        rows=100,
        test_rows=50,
        epochs=1,
        source_rows=100,
        shots=2,
        chosen_on=20,
        steps=3,
        rates=(0.001,),
        seeds=2,
    ),
    rounds=1,
)
