"""Racing: candidates that are hardly ever chosen stop after a round of seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.study.choice.gains import REFERENCE, gains_over

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fourfold.study.choice.gains import Gain
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["chances", "finalists"]

LEAST_CHANCE: Final = 0.02
"""Chance to be chosen below which a candidate stops."""
BASELINES: Final = 2
"""The likeliest baselines, which always finish."""
SPREAD: Final = 0.3
"""Standard deviation of gains before any is measured."""
DRAWS: Final = 10_000


def finalists(
    question: Question, rows: Mapping[str, LeaderboardRow], racing: Collection[str]
) -> set[str]:
    """Return the candidates that run on after a round of seeds.

    All do where nothing is held out to choose by, and where the reference failed.
    """
    alive = {name: rows[name] for name in racing if not rows[name].error}
    reference = _reference(question)
    if not question.protocol.splits.count or reference not in alive:
        return set(racing)
    likely = chances(gains_over(reference, alive, question.protocol))
    beside = [name for name in likely if question.is_baseline(name)]
    best = sorted(beside, key=lambda name: -likely[name])[:BASELINES]
    going = {name for name, chance in likely.items() if chance >= LEAST_CHANCE}
    return going | {*best, reference}


def chances(gains: Mapping[str, Gain]) -> dict[str, float]:
    """Return the chance of each candidate to have the largest gain."""
    names = sorted(gains)
    means, variances = (np.array([gains[name][at] for name in names]) for at in (0, 1))
    known = np.isfinite(variances)
    variances = np.where(known, variances, 0.0)
    weight = np.where(known, SPREAD**2 / (SPREAD**2 + variances), 0.0)
    spread = np.sqrt(np.where(known, weight * variances, SPREAD**2))
    normal = np.random.default_rng(0).standard_normal((DRAWS, len(names)))
    best = (weight * means + spread * normal).argmax(axis=1)
    return dict(zip(names, (np.bincount(best, minlength=len(names)) / DRAWS).tolist(), strict=True))


def _reference(question: Question) -> str:
    names = [name for name in question.candidates if question.is_baseline(name)]
    return REFERENCE if REFERENCE in names else names[0]
