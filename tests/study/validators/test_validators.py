"""Validators: closed forms, and adapted models that are not believed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain
from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.preparation.choose import Standardize
from fourfold.study.judge import rate
from fourfold.study.leaderboard import LeaderboardRow, best_choice
from fourfold.study.question import ask_transfer
from fourfold.study.running.outcomes import Outcome
from fourfold.study.validators.agreement import Clusters
from fourfold.study.validators.information import information_maximization
from study.samples import options


def classes(y):
    return Classification().fit(Domain(np.zeros((len(y), 1)), y))


def test_information_maximization_is_between_nothing_and_log_k():
    task, im = classes(np.arange(4)), information_maximization
    sure_and_balanced = np.tile(np.eye(4, dtype=np.float32) * 50, (5, 1))
    collapsed = np.tile(sure_and_balanced[:1], (20, 1))
    unsure = np.zeros((20, 4), np.float32)
    assert im(task, sure_and_balanced) == pytest.approx(np.log(4), abs=1e-6)
    assert im(task, collapsed) == pytest.approx(0, abs=1e-6)
    assert im(task, unsure) == pytest.approx(0, abs=1e-6)


def test_agreement_is_one_for_the_clusters_and_nothing_for_chance():
    X, y = make_blobs(300, centers=3, cluster_std=0.3, random_state=0)
    rows = as_rows(X.astype(np.float32))
    found = Clusters.of(rows, Standardize().fit(rows), 3)
    task, outputs = classes(y), np.eye(3, dtype=np.float32)
    assert found.agreement(task, outputs[y]) == pytest.approx(1)
    assert found.agreement(task, outputs[(y + 1) % 3]) == pytest.approx(1)  # names do not matter
    by_chance = np.random.default_rng(0).integers(3, size=300)
    assert abs(found.agreement(task, outputs[by_chance])) < 0.05
    assert found.agreement(task, outputs[np.zeros(300, int)]) == 0


@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (12, 3), (30, 30), (60, 3)])
@pytest.mark.parametrize("constant", [False, True])
def test_few_rows_and_equal_ones_can_be_clustered(shape, constant):
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    rows = as_rows(X * (not constant))
    found = Clusters.of(rows, Standardize().fit(rows), 3)
    assert len(found.codes) == shape[0]
    if shape[0] < 20:
        assert not found.codes.any()  # nothing can rise above another then


def test_a_doubted_method_is_not_chosen():
    rows = [
        LeaderboardRow("SourceOnly", "baseline", [0.3]),
        LeaderboardRow("DANN", "transfer", [0.9], doubted=True),
        LeaderboardRow("CORAL", "transfer", [0.5]),
    ]
    best = best_choice(rows)
    assert best is not None
    assert best.method == "CORAL"


def test_sure_predictions_that_do_not_follow_the_inputs_are_doubted():
    """The source's model has a third of the rows wrong; one method all right, one guesses."""
    X, y = make_blobs(300, centers=3, cluster_std=0.3, random_state=0)
    asked = options(methods=["CORAL", "OTMapping"])
    question = ask_transfer([Domain(X, y)], Domain(X), None, options=asked, title="")
    mixed = np.where(np.arange(300) < 100, (y + 1) % 3, y)
    answers = {"SourceOnly": mixed, "CORAL": y, "OTMapping": np.arange(300) % 3}
    made = {name: [_outcome(name, codes)] for name, codes in answers.items()}
    rows = rate(question, made)
    assert {name: row.doubted for name, row in rows.items()} == {
        "SourceOnly": False, "CORAL": False, "OTMapping": True
    }  # fmt: skip
    assert rows["OTMapping"].choice > rows["SourceOnly"].choice  # as sure, and balanced
    best = best_choice(list(rows.values()))
    assert best is not None
    assert best.method == "CORAL"


def _outcome(method, codes):
    outputs = {"target": 20 * np.eye(3, dtype=np.float32)[codes]}
    return Outcome(method, 0, None, np.empty(0, np.intp), classes(np.arange(3)), outputs, 1.0, [])
