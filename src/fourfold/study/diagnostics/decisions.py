"""Decisions by two classes, as values: ranks, levels, cut-offs and drift."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

from fourfold.metrics import CalibrationBin, CutOff, Decile, Drift

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Decisions", "Moved"]


@final
@dataclass(frozen=True)
class Moved:
    """The drift of a column, or of the score, from the source to the target and on.

    Attributes
    ----------
    name
        Of the column.
    to_target, to_evaluation
        From the source to the target, and from the target to the rows to evaluate on; None without
        these.
    """

    name: str
    to_target: Drift
    to_evaluation: Drift | None = None


@final
@dataclass(frozen=True)
class Decisions:
    """The worth of a shipped model of two classes for decisions.

    Attributes
    ----------
    event, others
        The class whose probability is judged, the rarer one of the target's labels; and the other.
    threshold
        Probability above which lie as many rows as the labels tell to have the event.
    confusion
        Rows without and with the event, by whether they lie above it.
    scores
        Name → value: AUC, Gini, KS, log loss, Brier, calibration error, shares.
    calibration
        Predicted and observed shares.
    deciles, source_deciles
        Tenths of the judged rows' scores, and the source's rows in the same ones.
    cut_offs
        Approval rates, the least probable rows first, and how often the event then happens.
    drift
        Of the score, and of the columns of a table, those that moved most first.
    """

    event: str
    others: str
    threshold: float
    confusion: Sequence[Sequence[int]]
    scores: Mapping[str, float]
    calibration: Sequence[CalibrationBin]
    deciles: Sequence[Decile]
    source_deciles: Sequence[Decile]
    cut_offs: Sequence[CutOff]
    drift: Sequence[Moved] = field(default_factory=list)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON of ``dataclasses.asdict``."""
        return cls(
            **{
                **raw,
                "calibration": [CalibrationBin(*one) for one in raw["calibration"]],
                "deciles": [Decile(*one) for one in raw["deciles"]],
                "source_deciles": [Decile(*one) for one in raw["source_deciles"]],
                "cut_offs": [CutOff(*one) for one in raw["cut_offs"]],
                "drift": [
                    Moved(one["name"], Drift(*one["to_target"]), _drift(one["to_evaluation"]))
                    for one in raw["drift"]
                ],
            }
        )


def _drift(raw: Sequence[Any] | None) -> Drift | None:
    return None if raw is None else Drift(*raw)
