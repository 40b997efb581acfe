"""Outcome of a benchmark, for a person and for a file."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import ROOT, Measured, Stamp, now, processor
from fourfold.core.atomic import whole_file
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.harness import Benchmark, Measures, Outcome, Target

FOLDER: Final = ROOT / "benchmarks" / "results"


def stored(benchmark: Benchmark, folder: Path = FOLDER) -> dict[str, Measured]:
    """Read the sides of ``NAME.json``; there are none without one.

    Raises
    ------
    ParameterError
        If it was measured with other settings.
    """
    path = folder / f"{benchmark.name}.json"
    if not path.exists():
        return {}
    read = json.loads(path.read_text("utf-8"))
    if read["settings"] != json.loads(json.dumps(asdict(benchmark.settings))):
        raise ParameterError(
            f"{path} must hold the settings of today to be gone on from; it holds others: measure "
            "all sides, without --sides"
        )
    before = [{"date": read["date"], "code": "", "cpu": read["machine"]["cpu"]}]  # without stamps
    stamps = read.get("sides", {})
    return {
        side: Measured(rounds, [Stamp(**one) for one in stamps.get(side, before)])
        for side, rounds in read["rounds"].items()
    }


def write(outcome: Outcome, folder: Path = FOLDER) -> Path:
    """Write ``NAME.json``, and return its path."""
    return save(as_json(outcome), folder)


def save(about: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write a result that begins with a :func:`heading`, all or nothing; return its path."""
    path = folder / f"{about['benchmark']}.json"
    with whole_file(path) as part:
        part.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def heading(
    name: str,
    title: str,
    figures: Mapping[str, float],
    targets: Mapping[str, Target],
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """Return the first part of a result.

    Targets without a figure are left out, or, of ``whole`` results, neither met nor missed.
    """
    return {
        "benchmark": name,
        "title": title,
        "date": now(),
        "figures": figures,
        "targets": {
            figure: {
                "asked": str(target),
                "met": target.met(figures[figure]) if figure in figures else None,
            }
            for figure, target in targets.items()
            if whole or figure in figures
        },
    }


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return all that is worth keeping, as plain values."""
    benchmark = outcome.benchmark
    return {
        **heading(benchmark.name, benchmark.title, outcome.figures, benchmark.targets, whole=True),
        "sides": {
            side: [stamp._asdict() for stamp in stamps] for side, stamps in outcome.stamps.items()
        },
        "counts": benchmark.sentences,
        "settings": asdict(outcome.settings),
        "medians": outcome.medians,
        "rounds": outcome.raw,
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("fourfold", *benchmark.packages)},
        },
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Describe the machine."""
    return {"cpu": processor(), "cores": os.cpu_count(), "system": platform.platform()}


def show(outcome: Outcome) -> None:
    """Print each side's medians with their range, the figures, and their targets."""
    benchmark, console = outcome.benchmark, Console()
    sides = Table("side", "measure", "median", "range", title=benchmark.title, box=box.SIMPLE)
    for side, rounds in outcome.raw.items():
        for i, (name, median) in enumerate(outcome.medians[side].items()):
            sides.add_row("" if i else side, name, f"{median:.4g}", _range(name, rounds))
    figures = Table("figure", "value", "asked", "", box=box.SIMPLE)
    for name, value in outcome.figures.items():
        target = benchmark.targets.get(name)
        asked = "" if target is None else str(target)
        verdict = "" if target is None else "met" if target.met(value) else "missed"
        figures.add_row(name, f"{value:.4g}", asked, verdict)
    for name, target in benchmark.targets.items():
        if name not in outcome.figures:
            figures.add_row(name, "", str(target), "not measured")
    console.print(sides, figures)
    for sentence in benchmark.sentences:
        console.print(f"· {sentence}")


def _range(name: str, rounds: list[Measures]) -> str:
    values = [each[name] for each in rounds]
    return f"{min(values):.4g} – {max(values):.4g}"
