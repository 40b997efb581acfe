"""The clustering that others agree with is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.core.tasks import Clustering
from fourfold.study.choice.consensus import choose_by_consensus
from fourfold.study.leaderboard import LeaderboardRow, best_choice
from fourfold.study.running.outcomes import Outcome
from fourfold.study.scores import Stability

TRUE = np.repeat([0, 1], 6)
TASK = Clustering(n_clusters=2).among(np.arange(2))


def outcome(name, clusters, seed=0, rows="target"):
    outputs = np.eye(2, dtype=np.float32)[clusters]
    return Outcome(name, seed, None, np.empty(0, np.intp), TASK, {rows: outputs}, 0.0, [])


def flipped(*at):
    clusters = TRUE.copy()
    clusters[list(at)] ^= 1
    return clusters


def chosen(**clusters):
    of = {name: [outcome(name, one)] for name, one in clusters.items()}
    rows = {name: LeaderboardRow(name, "transfer", choice=[0.5]) for name in of}
    return choose_by_consensus(Stability(), rows, of)


def test_models_that_err_on_rows_of_their_own_agree_most_with_the_one_that_does_not():
    found = chosen(a=flipped(0), b=flipped(5), c=flipped(9), right=TRUE)
    assert best_choice([*found.values()]).method == "right"


def test_names_of_clusters_do_not_matter():
    found = chosen(a=TRUE, b=1 - TRUE, c=flipped(0, 6))
    assert found["a"].choice == pytest.approx(found["b"].choice)
    assert found["a"].choice[0] > found["c"].choice[0]


def test_agreement_is_a_mean_over_the_others():
    (value,) = chosen(a=TRUE, b=TRUE, c=TRUE % 1)["a"].choice
    assert value == pytest.approx(0.5)  # 1 with b, and 0 with one cluster alone


def test_two_models_and_fits_without_answers_for_the_target_stay_as_they_are():
    assert {row.choice[0] for row in chosen(a=TRUE, b=flipped(1)).values()} == {0.5}
    rows = {name: LeaderboardRow(name, "transfer", choice=[0.5]) for name in "abc"}
    of = {name: [outcome(name, TRUE, rows="evaluate")] for name in rows}
    assert choose_by_consensus(Stability(), rows, of) == rows
