"""Optimism of a chosen model's score on the folds that chose it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fourfold.study.choice.posterior import expect
from fourfold.study.leaderboard import best_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.choice.prior import Prior
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["nested_score"]


def nested_score(question: Question, rows: Sequence[LeaderboardRow], prior: Prior) -> float | None:
    """Score the choice itself: on each fold, the choice by the other folds of its seed.

    The score of a chosen model on the folds that chose it is too high, as it is a maximum. None
    where there are no folds to choose by, or one alone, and for cuts in time.

    References
    ----------
    Varma & Simon, Bias in Error Estimation When Using Cross-Validation for Model Selection, BMC
    Bioinformatics 2006.
    """
    splits = question.protocol.splits
    count = 0 if splits.forward else splits.count
    going = {row.method: row for row in rows if not row.error and not row.stopped and row.choice}
    if count < 2 or not going:
        return None
    n = min(len(row.choice) for row in going.values())
    found = []
    for at in range(n):
        seed = at - at % count
        others = [i for i in range(seed, min(seed + count, n)) if i != at]
        own = {
            name: replace(row, choice=[row.choice[i] for i in others])
            for name, row in going.items()
        }
        best = best_choice([*expect(question, own, prior).values()])
        if best is not None:
            found.append(going[best.method].choice[at])
    return float(np.mean(found)) if found else None
