"""Models that a study hands over with one label a class, beside its best candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, final

from benchmarks.harness import ROOT, Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.arena.task import Task

CASES: Final[Mapping[str, Sequence[str]]] = {
    "usps": ("mnist-usps",),
    "speakers": ("speakers-george", "speakers-lucas", "speakers-theo"),
    "sentiment": ("amazon-movies", "movies-tweets", "tweets-nyt", "nyt-amazon"),
}
"""Case → pairs of the arena, which take turns over the draws."""
MEASURES: Final = {
    "shipped": "score",
    "best of each draw": "oracle_score",
    "baseline": "baseline_score",
    "seconds": "seconds",
}
"""Measure, a mean over the draws → its name in the arena's records."""
KEPT: Final = ROOT / "runs" / "one_label"
"""Finished draws, by code and prior, so that an interrupted run goes on."""


@final
@dataclass(frozen=True)
class Settings:
    """Draws of the labels, and options of the studies; none but for a test."""

    draws: int = 10
    options: Mapping[str, Any] = field(default_factory=dict)


def _side(name: str, s: Settings) -> Measures:
    """Return mean accuracies of shipped models, of the best candidate of each draw, and of all."""
    from benchmarks.arena.pairs import PAIRS
    from benchmarks.arena.task import Task

    pairs = [pair for pair in PAIRS if pair.name in CASES[name]]
    tasks = [Task(pairs[draw % len(pairs)], 1, draw) for draw in range(s.draws)]
    found = [_measure(task, s.options) for task in tasks]
    common = set.intersection(*(set(one["scores"]) for one in found))
    return {
        **{measure: fmean(one[key] for one in found) for measure, key in MEASURES.items()},
        **{f"all {m}": fmean(one["scores"][m] for one in found) for m in common},
    }


def _measure(task: Task, options: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the default study of a task, unless it has a record."""
    from benchmarks.arena import records, sides
    from fourfold.study.choice.prior import Prior

    known = [one._asdict() for one in Prior.packaged().observations]
    key = records.digest(task.fields, repr(options), records.code(), known)
    found = records.read("default", task.name, key, KEPT)
    if found is None:
        found = sides.measure("default", task, KEPT, sides.Settings(options=options))
        records.write("default", task.name, {**found, "settings": key}, KEPT)
    return found


def _figures(medians: Medians) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, found in medians.items():
        best = max(value for method, value in found.items() if method.startswith("all "))
        figures |= {
            f"gap_{name}": found["best of each draw"] - found["shipped"],
            f"gap_to_best_mean_{name}": best - found["shipped"],
            f"shipped_{name}": found["shipped"],
            f"baseline_{name}": found["baseline"],
            f"seconds_{name}": found["seconds"],
        }
    return figures


BENCHMARK: Final = Benchmark(
    name="one_label",
    title="Models that a study hands over with one label a class, beside its best candidate",
    counts="""
      · MNIST to USPS, five speakers to each of three others in turn, and opinions from one of four
        domains to the next in turn; a study with its defaults, ten draws of one label a class.
      · Accuracy on other rows of the target, whose labels no study sees. The prior leaves out the
        family of the data.
      · gap: the best candidate of each draw less what ships, mean over draws; gap_to_best_mean: the
        candidate with the best mean over draws less what ships.
    """,
    sides={name: partial(_side, name) for name in CASES},
    figures=_figures,
    targets={f"gap_{name}": Target("≤", 0.02) for name in CASES},
    packages=("torch", "scikit-learn", "h5py", "soundfile"),
    settings=Settings(),
    quick=Settings(draws=1, options={"methods": ["FineTune"], "recipe": {"steps": 3}, "jobs": 1}),
    rounds=1,
)
