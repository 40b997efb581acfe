"""Accuracies estimated without labels: the packaged model, and its intervals on new families."""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.study.choice.accuracy import AccuracyModel, Sample, Signs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.harness import Measures


PACKAGED: Final = Path(str(files("fourfold.study.choice"))) / "accuracy.json"
"""Model that the package ships."""


def _samples(folder: Path) -> Iterator[tuple[Sample, bool]]:
    """Yield each model of the recorded studies, and whether it was handed over."""
    for path in sorted(folder.rglob("*.json")):
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name, signs in record["signs"].items():
            if record["accuracies"].get(name) is None:
                continue
            accuracy = record["accuracies"][name]
            sample = Sample(record["family"], str(path), Signs(*signs), accuracy)
            yield sample, name == record["shipped"]


def learn(folder: Path) -> Measures:
    """Learn the packaged model from records of default studies, and judge its intervals.

    Handed-over models are judged by models of the other families. Fewer than three families teach
    nothing.
    """
    found = list(_samples(folder))
    samples = [sample for sample, _ in found]
    families = sorted({one.family for one in samples})
    if len(families) < 3:
        return {}
    errors, inside, widths = [], [], []
    for family in families:
        model = AccuracyModel.fit([one for one in samples if one.family != family])
        for one, shipped in found:
            if shipped and one.family == family:
                estimate = model(one.signs)
                errors.append(abs(estimate.accuracy - one.accuracy))
                inside.append(estimate.low <= one.accuracy <= estimate.high)
                widths.append(estimate.high - estimate.low)
    made = {
        "command": "python -m benchmarks adaptation",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "tasks": len({one.task for one in samples}),
        "families": families,
    }
    AccuracyModel.fit(samples, made).save(PACKAGED)
    return {
        "coverage": float(np.mean(inside)),
        "interval_width": float(np.mean(widths)),
        "estimate_error": float(np.mean(errors)),
    }
