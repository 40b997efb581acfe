"""Trials of the choice without labels, and the number that sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Self, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.study.metrics.base import Score

__all__ = ["Backtest", "Trial"]


@final
@dataclass(frozen=True)
class Trial:
    """One back-test: the model to be handed over by the choice without labels, and the best one.

    Attributes
    ----------
    name
        Difference between its target and its sources.
    shipped, best, source
        Candidates: the chosen one, the best in hindsight, and the source's model as it is that
        would be chosen if there were no other.
    scores
        Their scores on the target's labels, in this order.
    """

    name: str
    shipped: str
    best: str
    source: str
    scores: tuple[float, float, float]


@final
@dataclass(frozen=True)
class Backtest:
    """Back-tests of one study.

    Attributes
    ----------
    trials
        At least one.
    candidates
        Number of candidates, of those of the study.
    of
        Number of candidates of the study.
    """

    trials: list[Trial]
    candidates: int
    of: int

    @property
    def regret(self) -> float:
        """Mean loss of the chosen models against the best candidates."""
        return fmean(abs(one.scores[1] - one.scores[0]) for one in self.trials)

    def sentence(self, score: Score) -> str:
        """Sum up the trials in a sentence."""
        gain = fmean(one.scores[0] - one.scores[2] for one in self.trials)
        beside = "better" if (gain <= 0 if score.lower else gain >= 0) else "worse"
        names = ", ".join(one.name for one in self.trials)
        part = "all" if self.candidates == self.of else f"{self.candidates} of {self.of}"
        return (
            f"Back-test of the choice without labels ({names}; {part} candidates): what is handed "
            f"over loses {self.regret:.3f} {score.words} to the best candidate, and is "
            f"{abs(gain):.3f} {beside} than the source's model."
        )

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read the back-tests of a saved result."""
        trials: Sequence[Mapping[str, Any]] = raw["trials"]
        own = [Trial(**{**one, "scores": tuple(one["scores"])}) for one in trials]
        return cls(**{**raw, "trials": own})
