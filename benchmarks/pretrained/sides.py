"""Sides: who is rated on which kind of case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.pretrained import costs, ours, peers

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.case import Case

__all__ = ["COSTS", "FROZEN", "OURS", "PEERS", "SIDES", "sides_of"]

SIDES: Final[dict[str, Callable[[Case], float]]] = {
    "ships": ours.ships,
    "LinearProbe": ours.method("LinearProbe"),
    "JointTraining": ours.method("JointTraining"),
    "FineTune": ours.method("FineTune"),
    "logistic regression": peers.logistic_regression,
    "script": peers.script,
    "setfit": peers.set_fit,
    "peft": peers.adapters,
}
"""Name → accuracy of a case."""
OURS: Final = ("ships", "LinearProbe", "JointTraining", "FineTune")
FROZEN: Final = "LinearProbe"
"""Our best frozen method."""
PEERS: Final = {
    "speech": ("logistic regression",),
    "languages": ("logistic regression",),
    "emoji": ("logistic regression", "script", "peft"),
    "texts": ("logistic regression", "script", "setfit", "peft"),
}
"""Kind of case → peers."""
COSTS: Final = costs.COSTS
"""Name → what is measured besides accuracy."""


def sides_of(case: str) -> tuple[str, ...]:
    """Return the sides that a case is for, ours first."""
    kind, k, *_ = case.split("/")
    frozen = (FROZEN,) if (kind, k) == ("emoji", "20") else ()
    return ("ships", *frozen, *PEERS[kind])
