"""The choice among clusterings: the one that the others agree with most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.study.running.outcomes import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.running.outcomes import Failure, Outcome
    from fourfold.study.scores import Score

__all__ = ["choose_by_consensus"]

FEWEST: Final = 3
"""Candidates of which one can have more agreement than another."""


def choose_by_consensus(
    score: Score,
    rows: Mapping[str, LeaderboardRow],
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
) -> dict[str, LeaderboardRow]:
    """Return the rows with the mean agreement of each seed's clusters with other candidates' ones.

    Candidates err in ways of their own, so that what several find is likely there. Of two the rows
    stay as they are, as where fits did not answer for the target's rows.

    References
    ----------
    Strehl & Ghosh, Cluster Ensembles: A Knowledge Reuse Framework for Combining Multiple
    Partitions, JMLR 2002.
    """
    fits = {
        name: {one.seed: one for one in whole(outcomes[name]) if "target" in one.outputs}
        for name, row in rows.items()
        if not row.error
    }
    if len(fits) < FEWEST:
        return dict(rows)
    common = sorted(set.intersection(*map(set, fits.values())))
    found = dict(rows)
    for name in fits:
        agreement = [
            _agreement(score, name, {n: of[seed] for n, of in fits.items()}) for seed in common
        ]
        found[name] = replace(rows[name], choice=agreement or rows[name].choice)
    return found


def _agreement(score: Score, name: str, fits: Mapping[str, Outcome]) -> float:
    """Return the mean agreement with the others on the target's rows."""
    own = fits[name]
    others = [one.predictions("target") for other, one in fits.items() if other != name]
    return float(np.mean([score(own.task, one, own.outputs["target"]) for one in others]))
