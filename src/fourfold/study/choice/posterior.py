"""Expected gains: the prior of a method and the evidence of this study, each by its variance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.estimators.transfer import TransferEstimator
from fourfold.study.candidates import variant_name
from fourfold.study.choice.gains import REFERENCE, Gain, gains_over
from fourfold.study.choice.leads import lead_of
from fourfold.study.choice.prior import Circumstances
from fourfold.study.leaderboard import Expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.study.choice.prior import Prior
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["chances", "circumstances", "expect", "reference"]

DRAWS: Final = 10_000


def expect(
    question: Question, rows: Mapping[str, LeaderboardRow], prior: Prior
) -> dict[str, LeaderboardRow]:
    """Return the rows with the expected gain of each candidate over the reference.

    There is none where the reference failed, and where a validator or a consensus chooses: nothing
    can be held out on a cell that the prior does not know, or what can be says little; nor where
    there is one answer.
    """
    alive = {name: row for name, row in rows.items() if not row.error}
    if question.protocol.chooser in {"consensus", "nobody"}:
        return {name: replace(row, expected=None) for name, row in rows.items()}
    beside, counted = reference(question), question.protocol.splits.count > 0
    known = prior.knows(question.placement.cell)
    if beside not in alive or not (counted or known):
        return {name: replace(row, expected=None) for name, row in rows.items()}
    methods = {name: _method(question, name) for name in alive}
    leads = {name: lead_of(question.leads, question.candidates.get(name)) for name in alive}
    before = prior.expect(circumstances(question), methods, leads)
    found = gains_over(beside, alive, question.protocol) if counted else {}
    before[beside] = Gain(0.0, 0.0)
    return dict(rows) | {
        name: replace(row, expected=_posterior(before[name], found.get(name), known=known))
        for name, row in alive.items()
    }


def chances(expected: Mapping[str, Expected]) -> dict[str, float]:
    """Return the chance of each candidate to have the largest gain."""
    names = sorted(expected)
    means = np.array([expected[name].mean for name in names])
    spread = np.array([expected[name].sd for name in names])
    normal = np.random.default_rng(0).standard_normal((DRAWS, len(names)))
    best = (means + spread * normal).argmax(axis=1)
    return dict(zip(names, (np.bincount(best, minlength=len(names)) / DRAWS).tolist(), strict=True))


def reference(question: Question) -> str:
    """Return the baseline whose error gains are shares of."""
    names = [name for name in question.candidates if question.is_baseline(name)]
    return REFERENCE if REFERENCE in names else names[0]


def circumstances(question: Question) -> Circumstances:
    """Return the facts about a question on which gains depend."""
    target, task = question.target, question.protocol.task
    kind = target.rows.kind
    if kind == "array":
        kind = "vectors" if len(target.rows.shape) == 1 else "pictures"
    several = len(target.counts) if task.has_classes else 2
    labels = target.n_labelled / max(several, 1)
    return Circumstances(question.placement.cell, kind, type(task).__name__, labels)


def _method(question: Question, name: str) -> str:
    """Return the class name of a candidate, and its variant."""
    candidate = question.candidates.get(name)
    if isinstance(candidate, TransferEstimator):
        return variant_name(candidate)
    return name if candidate is None else type(candidate).__name__


def _posterior(before: Gain, found: Gain | None, *, known: bool) -> Expected:
    sd = float(np.sqrt(before.variance))
    if found is None or not np.isfinite(found.variance):
        return Expected(before.mean, sd, before.mean, sd, prior_known=known)
    own = float(np.sqrt(found.variance))
    total = before.variance + found.variance
    weight = before.variance / total if total else 0.0
    mean = (1 - weight) * before.mean + weight * found.mean
    return Expected(
        mean, float(np.sqrt(weight)) * own, before.mean, sd, found.mean, own, prior_known=known
    )
