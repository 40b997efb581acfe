"""From records to figures: means of groups, and the shipped model beside the best peer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.harness import Target
from benchmarks.pretrained.cases import group_of
from benchmarks.pretrained.sides import FROZEN, PEERS
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    Scores = dict[str, dict[str, float]]

__all__ = ["TARGETS", "figures", "groups"]

TARGETS: Final = {
    **{f"emoji_{k}_vs_peer": Target("≥", 0.0) for k in (1, 5, 20)},
    "emoji_20_vs_frozen": Target("≥", 0.0),
    "texts_vs_peer": Target("≥", 0.0),
    "speech_1": Target("≥", 0.989),
    "speech_3": Target("≥", 0.993),
    "speech_5": Target("≥", 0.994),
    "chinese_vs_lr": Target("≥", 0.0),
    "french_vs_lr": Target("≥", 0.0),
    "seconds_vs_lr": Target("≤", 3.0),
    "step_vs_plain": Target("≤", 1.0),
    "lora_memory": Target("≤", 0.6),
}
RATIOS: Final = {
    "seconds_vs_lr": ("study seconds", "script seconds"),
    "step_vs_plain": ("step seconds", "plain step seconds"),
    "lora_memory": ("adapters MB", "all layers MB"),
}
SHIPS: Final = "ships"


def figures(cases: Mapping[str, Mapping[str, Any]], costs: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of all that was measured."""
    found: dict[str, float] = {}
    for group, scores in _grouped(cases).items():
        kind, k = group.split("/")
        if kind == "speech":
            found[f"speech_{k}"] = float(np.mean([one[SHIPS] for one in scores.values()]))
        if kind in {"emoji", "texts", "speech"}:
            found |= _against(f"{kind}_{k}_vs_peer", scores, PEERS[kind])
        if kind == "emoji":
            found |= _against(f"emoji_{k}_vs_frozen", scores, (FROZEN,))
    for language in ("chinese", "french"):
        own = {
            name: one
            for scores in _grouped(cases).values()
            for name, one in scores.items()
            if f"/{language}/" in name
        }
        found |= _against(f"{language}_vs_lr", own, PEERS["languages"])
    worst = [found[name] for k in (8, 32, 128) if (name := f"texts_{k}_vs_peer") in found]
    if worst:
        found["texts_vs_peer"] = min(worst)
    for name, (ours, theirs) in RATIOS.items():
        if ours in costs and theirs in costs:
            found[name] = costs[ours]["value"] / costs[theirs]["value"]
    return found


def groups(cases: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the mean of each side by kind and labels a class, and over how many cases."""
    gathered: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, sides in cases.items():
        for side, record in sides.items():
            gathered[group_of(name)][side].append(record["score"])
    return {
        group: {side: {"mean": float(np.mean(of)), "cases": len(of)} for side, of in sides.items()}
        for group, sides in gathered.items()
    }


def _grouped(cases: Mapping[str, Mapping[str, Any]]) -> dict[str, Scores]:
    """Return group → case → side → score, of cases on which a shipped model was rated."""
    found: dict[str, Scores] = defaultdict(dict)
    for name, sides in cases.items():
        if SHIPS in sides:
            found[group_of(name)][name] = {side: one["score"] for side, one in sides.items()}
    return found


def _against(name: str, scores: Scores, peers: tuple[str, ...]) -> dict[str, float]:
    """Compare the shipped model with the peer of the best mean, on cases that all of them have."""
    whole = [one for one in scores.values() if {SHIPS, *peers} <= set(one)]
    if not whole:
        return {}
    best = max(peers, key=lambda peer: np.mean([one[peer] for one in whole]))
    gaps = np.array([one[SHIPS] - one[best] for one in whole])
    if len(gaps) == 1:
        return {name: float(gaps[0])}
    return interval(name, gaps)
