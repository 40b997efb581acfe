"""Results of the arena, for a person and for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import outcome
from benchmarks.arena.figures import bouts, figures, places
from benchmarks.arena.run import SETTINGS
from benchmarks.harness import Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.arena.figures import Records

__all__ = ["TARGETS", "as_json", "show", "write"]

TITLE: Final = "shipped models beside the best script, on real pairs"
COUNTS: Final = """
    · A task is a pair of domains × a number of labels × a draw of them. No side sees a label of the
      rows to evaluate on. They are others than those that are learnt from, but for clusters and
      emoji, where no row has a label.
    · The shipped model is that of a study with its defaults and the task's metric. The script is
      one of several that a practitioner would write, chosen by its own cross-validation; seconds
      are of all of them. Oracle and baseline are the candidate and the baseline of the study with
      the best score by evaluation labels.
    · A regret is another's score less the shipped model's, in the metric: AUC, R², accuracy, NMI.
      Wins, ties and losses are against the script, by .005.
    · safe_rate: share of pairs × budgets where the shipped model is at most .005 below the best
      baseline, mean over draws; harm_rate: where the 95 % interval of the difference, from a
      paired bootstrap of rows, lies below 0; worst_pair: the least of these differences.
    · Of tables: Stack mixes all other scripts. Wins and ties are shares of tasks; those of peers
      are the least over single scripts, their regret is the largest. worst_to_stack is the worst
      pair × budget, mean over draws; ece_median the expected calibration error of two classes in
      ten bins of equal counts, where a thousand rows or more are judged.
    · brier_excess_max: the largest Brier score of a shipped model less that of constant
      probabilities, the shares of the labels.
"""
SENTENCES: Final = [" ".join(one.split()) for one in COUNTS.split("· ")[1:]]
TARGETS: Final = {
    "mean_regret_to_stack_tables": Target("≤", 0.0),
    "wins_ties_stack_tables": Target("≥", 0.8),
    "worst_to_stack_tables": Target("≥", -0.015),
    "mean_regret_to_peers_tables": Target("≤", 0.0),
    "wins_ties_peers_tables": Target("≥", 0.85),
    "safe_rate_tables": Target("≥", 0.97),
    "brier_excess_max_tables": Target("≤", 0.002),
    "ece_median_tables": Target("≤", 0.03),
    "median_seconds_tables": Target("≤", 15.0),
    "safe_rate": Target("≥", 0.95),
    "harm_rate": Target("≤", 0.02),
    "worst_pair": Target("≥", -0.03),
    **{
        f"mean_regret_to_script_{group}": Target("≤", 0.0)
        for group in ("pictures", "texts", "sounds", "selftaught", "zeroshot")
    },
}
"""What was asked of figures, as far as they were measured."""


def write(records: Sequence[Records], name: str, folder: Path = outcome.FOLDER) -> Path:
    """Write ``NAME.json``, and return its path."""
    return outcome.save(as_json(records, name), folder)


def as_json(records: Sequence[Records], name: str) -> dict[str, Any]:
    """Return all that is worth keeping, as plain values."""
    kept = [record for one in records for record in one.values()]
    return {
        **outcome.heading(name, TITLE, figures(records), TARGETS),
        "counts": SENTENCES,
        "settings": {"seeds": SETTINGS.seeds, "folds": SETTINGS.folds},
        "places": {place.name: place._asdict() for place in places(bouts(records))},
        "tasks": {one["default"]["task"]: _task(one) for one in records},
        "versions": kept[0]["versions"],
        "codes": sorted({record["code"] for record in kept}),
        "machine": outcome.machine(),
    }


def _task(one: Records) -> dict[str, Any]:
    """Return the findings of a task, in short."""
    study, script = one["default"], one["script"]
    return {
        **{name: study[name] for name in ("group", "family", "metric", "labels", "verdict")},
        "shipped": {study["shipped"]: study["score"]},
        "script": {script["script"]: script["score"]},
        "baseline": {study["baseline"]: study["baseline_score"]},
        "oracle": {study["oracle"]: study["oracle_score"]},
        "brier": study["brier"],
        "constant_brier": study["constant_brier"],
        "seconds": {"study": study["seconds"], "scripts": script["seconds"]},
    }


def show(records: Sequence[Records]) -> None:
    """Print each task, the figures, and their targets."""
    console = Console()
    tasks = Table(
        "task", "ships", "score", "script", "score", "baseline", title=TITLE, box=box.SIMPLE
    )
    for one in records:
        study, script = one["default"], one["script"]
        scores = [
            f"{value:.3f}" for value in (study["score"], script["score"], study["baseline_score"])
        ]
        ships, its = study["shipped"], script["script"]
        tasks.add_row(study["task"], ships, scores[0], its, scores[1], scores[2])
    table = Table("figure", "value", "asked", "", box=box.SIMPLE)
    for name, value in figures(records).items():
        target = TARGETS.get(name)
        asked = "" if target is None else str(target)
        verdict = "" if target is None else "met" if target.met(value) else "missed"
        table.add_row(name, f"{value:.4g}", asked, verdict)
    console.print(tasks, table)
    for sentence in SENTENCES:
        console.print(f"· {sentence}")
