"""Figures of the arena, from the records of tasks: by group, and over all."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Records = Mapping[str, Mapping[str, Any]]

__all__ = ["Bout", "Place", "bouts", "figures", "places"]

STACK: Final = "Stack"
"""The script that mixes all others, of tables."""
TIE: Final = 0.005
"""Differences within which two scores are as good as each other."""
REACH: Final = 1.96
"""Standard errors from a mean to the ends of its 95 % interval."""


class Bout(NamedTuple):
    """One task: scores in its metric, higher is better; seconds; and errors of probabilities.

    Attributes
    ----------
    place, group
        Pair × budget, and kind of data.
    shipped, script, oracle, baseline
        Scores of the shipped model, of the best script by its own cross-validation, and of the
        candidate and the baseline that evaluation labels tell to be the best.
    error
        Standard error of shipped − baseline.
    excess
        Brier of the shipped model less that of constant shares; None without probabilities.
    seconds_study, seconds_script
        Of the study and of all scripts.
    peers
        Name → score of each script, where there are several.
    calibration
        Expected calibration error of the shipped model; None without two classes or many rows.
    """

    place: str
    group: str
    shipped: float
    script: float
    oracle: float
    baseline: float
    error: float
    excess: float | None
    seconds_study: float
    seconds_script: float
    peers: Mapping[str, float]
    calibration: float | None


class Place(NamedTuple):
    """Means over the draws of a pair × budget.

    Attributes
    ----------
    name, group
        Of the pair and budget, and of the kind of data.
    gain
        Shipped − baseline.
    low, high
        Ends of its 95 % interval.
    lead
        Shipped − script.
    """

    name: str
    group: str
    gain: float
    low: float
    high: float
    lead: float


def bouts(records: Iterable[Records]) -> list[Bout]:
    """Read the scores in the records of tasks, each by side."""
    return [_bout(one["default"], one["script"]) for one in records]


def _bout(study: Mapping[str, Any], script: Mapping[str, Any]) -> Bout:
    known = study["brier"] is not None and study["constant_brier"] is not None
    return Bout(
        place=f"{study['pair']}/{study['budget']}",
        group=study["group"],
        shipped=study["score"],
        script=script["score"],
        oracle=study["oracle_score"],
        baseline=study["baseline_score"],
        error=study["gap_error"],
        excess=study["brier"] - study["constant_brier"] if known else None,
        seconds_study=study["seconds"],
        seconds_script=script["seconds"],
        peers=script.get("scores", {}),
        calibration=study.get("calibration"),
    )


def places(found: Sequence[Bout]) -> list[Place]:
    """Average the draws of each pair × budget."""
    by_place: dict[str, list[Bout]] = defaultdict(list)
    for bout in found:
        by_place[bout.place].append(bout)
    return [_place(name, drawn) for name, drawn in by_place.items()]


def _place(name: str, drawn: Sequence[Bout]) -> Place:
    gain = _mean(drawn, lambda bout: bout.shipped - bout.baseline)
    reach = REACH * float(np.sqrt(sum(bout.error**2 for bout in drawn))) / len(drawn)
    lead = _mean(drawn, lambda bout: bout.shipped - bout.script)
    return Place(name, drawn[0].group, gain, gain - reach, gain + reach, lead)


def figures(records: Iterable[Records]) -> dict[str, float]:
    """Return all figures; those of a group end in its name."""
    found = bouts(records)
    groups = list(dict.fromkeys(bout.group for bout in found))
    parts = {group: [bout for bout in found if bout.group == group] for group in groups}
    named = [_of(found), *(_of(part, f"_{group}") for group, part in parts.items())]
    return {name: value for one in named for name, value in one.items()}


def _of(found: Sequence[Bout], end: str = "") -> dict[str, float]:
    """Compute the figures of some tasks; a regret is another's score − the shipped model's."""
    where = places(found)
    leads = np.array([bout.shipped - bout.script for bout in found])
    excess = [bout.excess for bout in found if bout.excess is not None]
    named = {
        "mean_regret_to_script": _mean(found, lambda bout: bout.script - bout.shipped),
        "mean_regret_to_oracle": _mean(found, lambda bout: bout.oracle - bout.shipped),
        "mean_regret_to_baseline": _mean(found, lambda bout: bout.baseline - bout.shipped),
        "wins": int((leads > TIE).sum()),
        "ties": int((np.abs(leads) <= TIE).sum()),
        "losses": int((leads < -TIE).sum()),
        "safe_rate": float(np.mean([place.gain >= -TIE for place in where])),
        "harm_rate": float(np.mean([place.high < 0 for place in where])),
        "worst_pair": min(place.gain for place in where),
        **({"brier_excess_max": max(excess)} if excess else {}),
        "seconds_study": _mean(found, lambda bout: bout.seconds_study),
        "seconds_script": _mean(found, lambda bout: bout.seconds_script),
        "tasks": len(found),
        "pairs": len({place.name.rpartition("/")[0] for place in where}),
    }
    if all(STACK in bout.peers for bout in found):
        named |= _beside_stack(found)
    errors = [bout.calibration for bout in found if bout.calibration is not None]
    named |= {"ece_median": float(np.median(errors))} if errors else {}
    return {f"{name}{end}": value for name, value in named.items()}


def _beside_stack(found: Sequence[Bout]) -> dict[str, float]:
    """Compare with the stack of all scripts, and with the single ones."""
    leads = np.array([bout.shipped - bout.peers[STACK] for bout in found])
    by_place: dict[str, list[float]] = defaultdict(list)
    for bout, lead in zip(found, leads.tolist(), strict=True):
        by_place[bout.place].append(lead)
    single = [name for name in found[0].peers if name != STACK]
    apart = [np.array([bout.shipped - bout.peers[name] for bout in found]) for name in single]
    studies, scripts = (
        float(np.median([of(bout) for bout in found]))
        for of in (lambda bout: bout.seconds_study, lambda bout: bout.seconds_script)
    )
    return {
        "mean_regret_to_stack": -float(leads.mean()),
        "wins_ties_stack": float((leads >= -TIE).mean()),
        "worst_to_stack": min(float(np.mean(of)) for of in by_place.values()),
        "mean_regret_to_peers": max(-float(lead.mean()) for lead in apart),
        "wins_ties_peers": min(float((lead >= -TIE).mean()) for lead in apart),
        "median_seconds": studies,
        "seconds_vs_stack": studies / scripts,
    }


def _mean(found: Sequence[Bout], value: Callable[[Bout], float]) -> float:
    return float(np.mean([value(bout) for bout in found]))
