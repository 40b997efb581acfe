"""Adaptation without target labels: shipped models beside the source's, peers and the oracle."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks import estimates, mnist_m
from benchmarks.adaptation_pairs import PAIRS
from benchmarks.arena.task import Task
from benchmarks.harness import ROOT, Benchmark, Measured, Measures, Medians, Stamp, Target
from fourfold.core.version import VERSION
from fourfold.study.leaderboard import SOURCE_MODELS, SOURCE_TIE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDER: Final = ROOT / "benchmarks" / "results" / "adaptation"
"""Records of studies and peers, one a pair and draw, so that a later run goes on."""
SAFE: Final = 0.005
"""Loss against the source model that counts as none."""
RECORDED: Final = ("script", "skada", "default")
"""Sides of the arena that are measured: peers' scripts, skada's methods, the default study."""
LONG: Final = ("sentiment", "sentiment_encoded", "speakers", "shifts", "mnist_usps", "usps_mnist")
"""Parts of many pairs, or of whole sets of pictures, with fewer draws."""


# --- measuring ------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Settings:
    """Draws of each pair, pairs of a part at most, sizes of MNIST-M, and options of studies."""

    draws: int = 5
    long_draws: int = 1
    most: int = 99
    mnist_m: mnist_m.Digits = field(default_factory=mnist_m.Digits)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder of the records; those of a test are not kept with the others."""
        return ROOT / "runs" / "adaptation" if self.options else FOLDER

    def tasks(self, part: str) -> list[Task]:
        """All pairs and draws of a part."""
        draws = self.long_draws if part in LONG else self.draws
        return [Task(pair, 0, i) for pair in PAIRS[part][: self.most] for i in range(draws)]


def _side(part: str, s: Settings) -> Measures:
    """Measure the pairs of a part that have no record; return a measure of each pair and draw."""
    from benchmarks.arena import records, sides

    for task in s.tasks(part):
        for side in RECORDED:
            if _read(side, task, s) is None:
                found = sides.measure(side, task, s.folder, sides.Settings(options=s.options))
                found["settings"] = _digest(side, task, s)
                records.write(side, task.name, found, s.folder)
    found = _records(s, part)
    assert found is not None
    return found.rounds[0]


def _records(s: Settings, side: str) -> Measured | None:
    """Read the records of a side, as far as they go; None without any."""
    if side == "mnist_m":
        return mnist_m.read(s.mnist_m, s.folder / side)
    measures: Measures = {}
    read: list[dict[str, Any]] = []
    for task in s.tasks(side) if side in PAIRS else []:
        *peers, study = (_read(one, task, s) for one in RECORDED)
        if study is not None:
            found = [one for one in peers if one is not None]
            prefix = f"{task.pair.name}/{task.draw}"
            own = _measures(study, found)
            measures |= {f"{prefix}/{name}": value for name, value in own.items()}
            read += [study, *found]
    return Measured([measures], Stamp.latest(read)) if measures else None


def _measures(study: Mapping[str, Any], peers: Sequence[Mapping[str, Any]]) -> Measures:
    """Return the measures of a study, and the scores of the peers that were measured."""
    scores, choices = study["scores"], study["choices"]
    sources = {n: v for n, v in choices.items() if n in SOURCE_MODELS and n in scores}
    top = max(sources.values())
    alone = next(n for n in SOURCE_MODELS if sources.get(n, -1) >= top - SOURCE_TIE)
    return {
        "shipped": study["score"],
        "oracle": study["oracle_score"],
        "source": scores[alone],
        "best source": max(scores[name] for name in sources),
        "seconds": study["seconds"],
        **{f"all {name}": value for name, value in scores.items()},
        **{f"peer {name}": value for one in peers for name, value in one["scores"].items()},
    }


def _read(side: str, task: Task, s: Settings) -> dict[str, Any] | None:
    """Read the record of one side of a task; None without one of these settings."""
    from benchmarks.arena import records

    return records.read(side, task.name, _digest(side, task, s), s.folder)


def _digest(side: str, task: Task, s: Settings) -> str:
    from benchmarks.arena import records

    return records.digest(side, task.fields, repr(s.options), VERSION)


def _estimates(s: Settings) -> Measures:
    """Learn estimates of accuracies from the records of default studies."""
    return {} if s.options else estimates.learn(s.folder / "default")


# --- figures --------------------------------------------------------------------------------------


def _figures(medians: Medians) -> dict[str, float]:
    values: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for part in PAIRS:
        for key, value in medians.get(part, {}).items():
            pair, draw, measure = key.split("/", 2)
            values[pair][measure][draw] = value
    means = {
        pair: {measure: fmean(of.values()) for measure, of in found.items()}
        for pair, found in values.items()
    }
    whole = list(means.values())
    if not whole:
        return dict(medians.get("mnist_m", {}))
    peers = set.intersection(*({n for n in one if n.startswith("peer ")} for one in whole))
    best = max(peers, key=lambda name: fmean(one[name] for one in whole), default="source")
    figures = {
        "safe_rate": fmean(one["shipped"] >= one["source"] - SAFE for one in whole),
        "regret_to_oracle": fmean(one["oracle"] - one["shipped"] for one in whole),
        "regret_to_fixed_peer": fmean(one[best] - one["shipped"] for one in whole),
        "seconds": float(np.median([one["seconds"] for one in whole])),
        "pairs": float(len(whole)),
        "peers": float(len(peers)),
        **medians.get("mnist_m", {}),
        **medians.get("estimates", {}),
    }
    for part, pairs in PAIRS.items():
        own = [means[pair.name] for pair in pairs if pair.name in means]
        if own and len(pairs) == 1:
            (pair,) = pairs
            figures[part] = own[0]["shipped"]
            figures[f"{part}_worst"] = min(values[pair.name]["shipped"].values())
            figures[f"{part}_oracle"] = own[0]["oracle"]
            figures[f"{part}_source"] = own[0]["source"]
        elif own:
            figures[f"{part}_gain"] = fmean(one["shipped"] - one["source"] for one in own)
            figures[f"{part}_over_best_source"] = fmean(
                one["shipped"] - one["best source"] for one in own
            )
            figures[f"{part}_oracle_gain"] = fmean(one["oracle"] - one["source"] for one in own)
        if own:
            figures[f"{part}_draws"] = sum(len(values[p.name]["shipped"]) for p in pairs)
    return figures


BENCHMARK: Final = Benchmark(
    name="adaptation",
    title="A target without labels: what ships, the source models, peers and the oracle",
    counts="""
      · Default studies of a labelled source and an unlabelled target, on rows of the target whose
        labels nothing has seen; accuracy, AUC for credit. Means over draws. Of a part that is not
        measured to its end figures hold for its pairs so far; draws: of all its pairs, so far.
      · source: the model of the source that the study would ship if there were no other; best
        source: the best of them in hindsight; oracle: the best candidate in hindsight.
      · safe_rate: share of pairs on which what ships is at most .005 below source.
      · regret_to_fixed_peer: the peer (a source's line or SVM, CORAL, a self-trained SVM; of skada
        six shallow methods, three deep ones, and the choice of its scorer MaNo) that is the best on
        average over all pairs, less what ships; peers: those that were measured on all pairs.
      · coverage: share of studies in which the accuracy of the model handed over lies in the
        interval estimated without labels, learnt on other families; estimate_error, interval_width:
        means.
    """,
    sides={
        **{part: partial(_side, part) for part in PAIRS},
        "mnist_m": lambda s: mnist_m.measure(s.mnist_m, s.folder / "mnist_m"),
        "estimates": _estimates,
    },
    figures=_figures,
    targets={
        "demo": Target("≥", 0.96),
        "mnist_usps": Target("≥", 0.97),
        "usps_mnist": Target("≥", 0.97),
        "mnistm_dann": Target("≥", 0.86),
        "mnistm_dann_worst": Target("≥", 0.82),
        "mnistm_best": Target("≥", 0.95),
        "moons": Target("≥", 0.99),
        "lending": Target("≥", 0.72),
        "sentiment_over_best_source": Target("≥", 0.0),
        "sentiment_encoded_over_best_source": Target("≥", 0.0),
        "speakers_gain": Target("≥", 0.05),
        "safe_rate": Target("≥", 0.95),
        "regret_to_oracle": Target("≤", 0.03),
        "regret_to_fixed_peer": Target("≤", 0.0),
        "coverage": Target("≥", 0.90),
    },
    packages=("torch", "scikit-learn", "lightgbm", "h5py", "soundfile", "skada"),
    settings=Settings(),
    quick=Settings(
        draws=1,
        long_draws=1,
        most=1,
        mnist_m=mnist_m.Digits(rows=256, test_rows=256, seeds=1),
        options={"methods": ["SHOT"], "recipe": {"steps": 3}},
    ),
    rounds=1,
    records=_records,
)
