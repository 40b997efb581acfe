"""Racing: candidates that are hardly ever chosen stop after a round of seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.study.choice.posterior import chances, reference
from fourfold.study.choice.standing import trusted
from fourfold.study.choice.unlabelled import believed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fourfold.study.choice.standing import Standing
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["finalists", "is_settled"]

LEAST_CHANCE: Final = 0.02
"""Chance to be chosen below which a candidate stops."""
BASELINES: Final = 2
"""The likeliest baselines, which always finish."""
MEMBER: Final = 0.05
"""Weight in a blend from which a candidate that is not trusted goes on for its sake."""


def is_settled(question: Question, rows: Mapping[str, LeaderboardRow]) -> bool:
    """Return whether further seeds would neither choose nor judge: the prior alone decides.

    A network that is the answer as it is says the same with each seed.
    """
    if question.protocol.chooser == "nobody":
        return True
    known = any(row.expected is not None for row in rows.values())
    return known and question.evaluate is None and not question.protocol.splits.count


def finalists(
    question: Question,
    rows: Mapping[str, LeaderboardRow],
    racing: Collection[str],
    standing: Standing,
) -> set[str]:
    """Return the candidates that run on after a round of seeds.

    All do where no gains can be expected. Where a blend is chosen, its members do, trusted ones
    with any weight. The likeliest baselines and the likeliest method of transfer always do. Where a
    panel chooses, the models that it blends, or else its first one, go on, and the models of the
    source. Where a consensus does, the first method and the first baselines go on, to be judged.
    """
    chooser = question.protocol.chooser
    if chooser == "panel":
        first = believed(rows.values()) or _first(rows)
        return {*first, *filter(question.is_baseline, rows)} & set(racing)
    if chooser == "consensus":
        alive = [name for name in racing if rows[name].choice]
        ranked = sorted(alive, key=lambda name: (-rows[name].promise, name))
        baselines = [name for name in ranked if question.is_baseline(name)]
        return {*baselines[:BASELINES], *_first(rows)} & set(racing)
    expected = {name: row.expected for name, row in rows.items() if row.expected is not None}
    if not expected:
        return set(racing)
    likely = chances(expected)
    ranked = sorted(set(likely) & set(racing), key=lambda name: (-likely[name], name))
    best = [name for name in ranked if question.is_baseline(name)][:BASELINES]
    best += [name for name in ranked if not question.is_baseline(name)][:1]  # a verdict needs one
    going = {name for name, chance in likely.items() if chance >= LEAST_CHANCE}
    lasting = trusted(question)
    leading = {name for name in standing.blends if rows[name].leads}
    members = {
        member
        for name in leading or going & standing.blends.keys()
        for member, weight in standing.blends[name].weights.items()
        if weight >= (0.0 if member in lasting else MEMBER)
    }
    going = members if leading else going | members
    return (going | {*best, reference(question)}) & set(racing)


def _first(rows: Mapping[str, LeaderboardRow]) -> list[str]:
    """Return the method of transfer that a panel or a consensus puts first, believed or not."""
    alive = [row for row in rows.values() if row.role == "transfer" and row.choice]
    return [max(alive, key=lambda row: (row.promise, row.method)).method] if alive else []
