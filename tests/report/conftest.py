"""Results as a study would leave them: realistic in size, fixed by a seed."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.core.findings import Curves, Facts, HeatMap
from fourfold.study.gate import Interval
from fourfold.study.leaderboard import Expected
from fourfold.study.leaderboard import LeaderboardRow as Row
from fourfold.study.result import DataSummary, Points, Result

HOSTILE = "<script>alert('class')</script>"
"""A name that a stranger could give a class."""

FINDINGS = [
    HeatMap(
        "Average Fisher Sensitivity", "column", "layer", ["column 1", HOSTILE, "this column"],
        ["conv1", "conv2", "fc1", "fc2"],
        [[0.41, 0.02, 0.57], [0.38, 0.05, 0.57], [0.2, 0.1, 0.7], [np.nan, 0.01, 0.99]],
    ),
    Facts("Did it transfer?", {"transfer score": "112 %", HOSTILE: HOSTILE}),
    Curves(
        "Score by the number of copied layers", "copied layers", "accuracy",
        [*map(str, range(8))],
        {
            "frozen": [0.62, 0.63, 0.62, 0.61, 0.58, 0.57, 0.55, np.nan],
            "fine-tuned": [0.62, 0.64, 0.65, 0.64, 0.64, 0.65, 0.65, 0.644],
            HOSTILE: [0.62, 0.63, 0.63, 0.63, 0.64, 0.63, 0.64, 0.645],
        },
    ),
]  # fmt: skip

PLACE = {
    "finetuning": "both have labels, the target 100 of them",
    "multitask": "the data are a source and a target, not tasks that all matter",
    "progressive": "both have labels, the target 100 of them",
    "adaptation": "every row of the target has its label: nothing is left to guess",
    "zeroshot": "the classes are not described",
    "selftaught": "the source has labels, which other cells use",
    "clustering": "there are labels, which other cells use",
}

SETTINGS = {
    "version": "0.1.0",
    "command": "fourfold study --source mnist.npz --target optdigits.npz --evaluate <test>.npz",
    "date": "2026-01-31T12:00:00+00:00",
    "seeds": [0, 1, 2, 3, 4],
    "threads": 1,
    "machine": {"cpu": "2 cores", "system": "Linux"},
}


def _data(name: str, rows: int, labelled: int, labels: dict[str, int]) -> DataSummary:
    return DataSummary(
        name, "pictures", rows, labelled, [28, 28, 1], labels, "0123456789abcdef" * 2
    )


def _scores(rng: np.random.Generator, mean: float, runs: int = 5) -> list[float]:
    return [float(score) for score in rng.normal(mean, 0.012, runs)]


def _losses(rng: np.random.Generator, start: float, epochs: int = 30) -> list[list[float]]:
    epoch = np.arange(epochs)
    return [
        (start * np.exp(-epoch / 7) + 0.1 + rng.normal(0, 0.1, epochs)).tolist() for _ in range(5)
    ]


def _points(rng: np.random.Generator, title: str, labels: list[str], apart: float) -> Points:
    """Return 300 points of each domain, a cluster for each label; the domains lie apart."""
    owner = np.tile(np.arange(600) % len(labels), 1)
    source = np.arange(600) < 300
    angle = 2 * np.pi * owner / len(labels)
    x = 4 * np.cos(angle) + rng.normal(0, 0.7, 600) + np.where(source, 0, apart)
    y = 4 * np.sin(angle) + rng.normal(0, 0.7, 600)
    names = [
        labels[i] if keep else "" for i, keep in zip(owner, rng.random(600) > 0.05, strict=True)
    ]
    return Points(title, x.tolist(), y.tolist(), source.tolist(), names)


@pytest.fixture(scope="session")
def helped() -> Result:
    """Ten classes, one with a hostile name; one method could not run; two notes."""
    rng = np.random.default_rng(0)
    classes = [*"012345678", HOSTILE]
    confusion = rng.integers(0, 5, (10, 10)) + np.diag(rng.integers(120, 150, 10))
    lines = [
        Row("FineTune", "transfer", _scores(rng, 0.90), _scores(rng, 0.915),
             Interval(0.052, 0.021, 0.083, 0.0004), "helped", 12.3, _losses(rng, 2.2),
             {"head_first": "True", "recipe__epochs": "30"},
             expected=Expected(0.24, 0.1, 0.2, 0.1, 0.33, 0.2, True)),
        Row("TargetOnly", "baseline", _scores(rng, 0.85), _scores(rng, 0.863), None, None, 4.1,
             _losses(rng, 2.4), expected=Expected(-0.04, 0.1, -0.03, 0.1, -0.12, 0.2, True)),
        Row("Linear", "baseline", _scores(rng, 0.84), _scores(rng, 0.858),
             Interval(-0.005, -0.031, 0.021, 0.61), None, 0.23),
        Row("DANN", "transfer", _scores(rng, 0.80), _scores(rng, 0.81),
             Interval(-0.053, -0.090, -0.016, 0.002), "hurt", 95.0, _losses(rng, 3.1),
             findings=FINDINGS),
        Row("ProgressiveNetwork", "transfer",
             error="the source must have rows of shape (28, 28, 1); got (32, 32, 3)"),
    ]  # fmt: skip
    return Result(
        title="mnist → optdigits, few labels",
        cell="finetuning",
        verdict="helped",
        sentence="Transfer helped: FineTune is right on 91.5 % of the evaluation rows, "
        "5.2 points more than TargetOnly, the best baseline.",
        metric="accuracy",
        chosen_by="5-fold cross-validation on the target's labels",
        judged_by="1 697 evaluation rows",
        shipped="FineTune",
        best_baseline="TargetOnly",
        notes=[
            "ProgressiveNetwork could not run: see the leaderboard.",
            "100 rows to evaluate on are in the target, too; they are left out of the scores.",
        ],
        sources=[_data("mnist", 5000, 5000, dict.fromkeys(classes, 500))],
        target=_data("optdigits", 100, 100, dict.fromkeys(classes, 10)),
        evaluate=_data("optdigits-test", 1697, 1697, dict.fromkeys(classes, 169)),
        lines=lines,
        classes=classes,
        confusion=confusion.tolist(),
        pictures=[
            _points(rng, "Before: the prepared inputs", classes, 5.0),
            _points(rng, "After: what FineTune learnt", classes, 0.6),
        ],
        place=PLACE,
        open=["finetuning", "progressive"],
        settings=SETTINGS,
        seconds=684.0,
    )


@pytest.fixture(scope="session")
def regression() -> Result:
    """Numbers instead of classes: no confusion, colours on a scale; transfer hurt."""
    rng = np.random.default_rng(1)
    values = [f"{value:.2f}" for value in np.linspace(-3, 12, 60)]
    lines = [
        Row("Linear", "baseline", _scores(rng, 0.71), _scores(rng, 0.70), None, None, 0.02),
        Row("FineTune", "transfer", _scores(rng, 0.6), _scores(rng, 0.6),
             Interval(-0.11, -0.17, -0.05, 0.001), "hurt", 8.0, _losses(rng, 1.3)),
    ]  # fmt: skip
    return Result(
        title="houses of one town → houses of another",
        cell="finetuning",
        verdict="hurt",
        sentence="Transfer hurt: FineTune explains less than Linear, which needs no source.",
        metric="R²",
        chosen_by="5-fold cross-validation on the target's labels",
        judged_by="the same cross-validation",
        shipped="Linear",
        best_baseline="Linear",
        notes=[],
        sources=[_data("boston", 506, 506, {}), _data("ames", 2930, 2930, {})],
        target=_data("ours", 80, 80, {}),
        evaluate=None,
        lines=lines,
        classes=[],
        confusion=[],
        pictures=[_points(rng, "Before: the prepared inputs", values, 2.0)],
        place=PLACE,
        open=["finetuning", "progressive"],
        settings=SETTINGS,
        seconds=41.0,
    )


@pytest.fixture(scope="session")
def undecided() -> Result:
    """No target labels and none to evaluate on: nothing is scored, nothing compared."""
    rng = np.random.default_rng(2)
    lines = [
        Row("DANN", "transfer", _scores(rng, 1.91), seconds=95.0, losses=_losses(rng, 3.0, 1)),
        Row("SourceOnly", "baseline", _scores(rng, 1.62, 1), seconds=7.0),
    ]
    return Result(
        title="mnist → optdigits, no labels",
        cell="adaptation",
        verdict="undecided",
        sentence="Undecided: the target has no labels, so nobody can say whether transfer helped.",
        metric="accuracy",
        chosen_by="information maximisation, which needs no labels",
        judged_by="nothing: there are no labels to compare with",
        shipped="DANN",
        best_baseline="",
        notes=["Bring a few labelled rows to evaluate on to get a verdict."],
        sources=[_data("mnist", 5000, 5000, dict.fromkeys("0123456789", 500))],
        target=_data("optdigits", 1797, 0, {}),
        evaluate=None,
        lines=lines,
        classes=list("0123456789"),
        confusion=[],
        pictures=[],
        place={**PLACE, "adaptation": "1797 rows of the target without a label"},
        open=["adaptation"],
        settings=SETTINGS,
        seconds=512.0,
    )
