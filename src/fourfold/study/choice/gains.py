"""Gains of candidates over a reference, by the scores of model selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.protocols import Protocol

    Floats = NDArray[np.float64]

__all__ = ["REFERENCE", "Gain", "gains_over"]

REFERENCE: Final = "Linear"
"""Baseline whose error gains are shares of; in cells without it, the first baseline."""
PSEUDO: Final = 4.0
"""Weight of the variance of all candidates beside one's own, in degrees of freedom."""


@final
class Gain(NamedTuple):
    """The share of the reference's error that a candidate removes, in [−1, 1], and its variance."""

    mean: float
    variance: float


def gains_over(
    reference: str, rows: Mapping[str, LeaderboardRow], protocol: Protocol
) -> dict[str, Gain]:
    """Estimate the gain of each candidate, paired over the seeds and splits that it has run.

    The variance is that of a mean over repeated splits with shared training rows, from a
    candidate's own scores and, as these are few, from those of all candidates.

    References
    ----------
    Nadeau & Bengio, Inference for the Generalization Error, Machine Learning 2003.
    """
    score, splits = protocol.choice, protocol.splits
    theirs = score.best - np.array(rows[reference].choice)
    shares: dict[str, Floats] = {}
    for name, row in rows.items():
        ours = score.best - np.array(row.choice)
        n = min(len(ours), len(theirs))
        if n:
            removed = (theirs[:n] - ours[:n]) / max(float(theirs[:n].mean()), 1e-9)
            shares[name] = splits.independent(np.clip(removed, -1, 1))
    own = {name: float(one.var(ddof=1)) for name, one in shares.items() if len(one) > 1}
    others = [variance for variance in own.values() if variance > 0] or [*own.values()]
    pooled = float(np.mean(others)) if others else np.inf
    found = {}
    for name, share in shares.items():
        free = len(share) - 1
        spread = (PSEUDO * pooled + free * own.get(name, 0.0)) / (PSEUDO + free)
        known = 0.0 if name == reference else 1 / len(share) + splits.share / (1 - splits.share)
        found[name] = Gain(float(share.mean()), spread * known if known else 0.0)
    return found
