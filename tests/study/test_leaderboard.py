"""Leaderboard rows: their order by choice and by score, and what may not decide it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fourfold.study.gate import Interval
from fourfold.study.leaderboard import Gain, JointRow, LeaderboardRow, best_baseline, best_choice


def test_equal_choices_are_told_apart_without_a_look_at_scores():
    """A baseline, else by name: what ships must not depend on the labels to evaluate on."""
    rows = [
        LeaderboardRow("A", "transfer", choice=[0.5], scores=[0.9]),
        LeaderboardRow("B", "baseline", choice=[0.5], scores=[0.1]),
        LeaderboardRow("C", "baseline", choice=[0.5], scores=[0.2]),
    ]
    for order in (rows, rows[::-1]):
        assert best_choice(order).method == "C"
    assert best_baseline(rows).method == "C"
    assert best_choice([LeaderboardRow("A", "transfer")]) is None


def test_failures_come_last_and_rows_cannot_be_changed():
    failed = LeaderboardRow("A", "transfer", error="it is broken")
    poor = LeaderboardRow("B", "baseline", choice=[9.0], scores=[-1.0])
    unscored = LeaderboardRow("C", "baseline", choice=[0.5])
    ranked = sorted([failed, poor, unscored], key=lambda row: row.by_score, reverse=True)
    assert [row.method for row in ranked] == ["C", "B", "A"]
    with pytest.raises(FrozenInstanceError):
        poor.scores = []


def test_a_joint_verdict_is_that_of_all_tasks_or_of_delta():
    def row(*verdicts, delta=None):
        gains = {str(i): Gain(None, verdict) for i, verdict in enumerate(verdicts)}
        return JointRow("M", delta, gains)

    better, unsure = Interval(-3, -5, -1, 0.01), Interval(-3, -8, 2, 0.4)
    assert row("helped", "helped", delta=unsure).verdict == "helped"
    assert row("helped", "hurt").verdict == "undecided"
    assert row("helped", "hurt", delta=better).verdict == "helped"
    assert row("helped", "hurt", delta=unsure).verdict == "undecided"
    assert row("undecided", "hurt").tasks("hurt") == ["1"]
