"""MNIST → MNIST-M in full, without target labels: domain-adversarial training by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Measured, Stamp
from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.harness import Measures

__all__ = ["Digits", "measure", "read"]


@final
@dataclass(frozen=True)
class Digits:
    """Pictures of each domain to learn from, and to test on, and the number of seeds."""

    rows: int = 60_000
    test_rows: int = 10_000
    seeds: int = 3


METHODS: Final = {"DANN": 0.0, "DANN with class confusion": 1.0}
"""Name → weight of class confusion."""


def measure(digits: Digits, folder: Path) -> Measures:
    """Fit each method with each seed, unless it has a record; return the accuracies."""
    for seed in range(digits.seeds):
        for name, confusion in METHODS.items():
            place = _place(folder, name, digits, seed)
            if not place.exists():
                accuracy = _accuracy(digits, confusion, seed)
                place.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(place) as part:
                    record = {"accuracy": accuracy, **Stamp.now()._asdict()}
                    part.write_text(json.dumps(record) + "\n", "utf-8")
    found = read(digits, folder)
    assert found is not None
    return found.rounds[0]


def read(digits: Digits, folder: Path) -> Measured | None:
    """Read the records of the seeds that are there; None without any."""
    found: dict[str, list[float]] = {name: [] for name in METHODS}
    records: list[dict[str, Any]] = []
    for name, accuracies in found.items():
        for seed in range(digits.seeds):
            place = _place(folder, name, digits, seed)
            if place.exists():
                records.append(json.loads(place.read_text("utf-8")))
                accuracies.append(records[-1]["accuracy"])
    plain, _ = found.values()
    if not plain:
        return None
    measures = {
        "mnistm_dann": fmean(plain),
        "mnistm_dann_worst": min(plain),
        "mnistm_best": max(fmean(of) for of in found.values() if of),
        "mnistm_seeds": float(min(len(of) for of in found.values())),
    }
    return Measured([measures], Stamp.latest(records))


def _place(folder: Path, name: str, digits: Digits, seed: int) -> Path:
    return folder / f"{name}-{digits.rows}-{seed}.json"


def _accuracy(digits: Digits, confusion: float, seed: int) -> float:
    from fourfold import DANN, ConvNet, Domain

    pictures, y = (part[: digits.rows] for part in data.mnist())
    test, test_y = (part[: digits.test_rows] for part in data.mnist("t10k"))
    source = Domain(np.repeat(pictures[..., None], 3, axis=3), y)
    network = ConvNet(batch_norm=True)  # the paper's convolutions
    model = DANN(network=network, confusion=confusion, random_state=seed)
    model.fit(Domain(data.mnist_m(pictures, seed=1)), source=source)
    return float(model.score(data.mnist_m(test, seed=2), test_y))
