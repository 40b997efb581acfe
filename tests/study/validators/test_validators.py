"""Validators: closed forms, and adapted models that are not believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain, Study
from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.preparation.choose import Standardize
from fourfold.study.leaderboard import LeaderboardRow, best_choice
from fourfold.study.validators.agreement import Clusters
from fourfold.study.validators.information import information_maximization


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


def test_a_doubted_method_is_not_chosen():
    rows = [
        LeaderboardRow("SourceOnly", "baseline", [0.3]),
        LeaderboardRow("DANN", "transfer", [0.9], doubted=True),
        LeaderboardRow("CORAL", "transfer", [0.5]),
    ]
    best = best_choice(rows)
    assert best is not None
    assert best.method == "CORAL"


def test_a_study_doubts_what_does_not_follow_the_inputs(tmp_path):
    """Self-training grows sure on pure noise; nothing but the source's models may ship."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(600, 4)), columns=[*"abcd"])
    y = (frame["a"] + rng.normal(size=600) > 0).astype(int).to_numpy()
    study = Study(
        Domain(frame[:300], y[:300]),
        Domain(frame[300:]),
        methods=["SelfTraining"],
        recipe={"steps": 20},
        seeds=1,
        output=tmp_path / "study",
        progress=False,
    )
    result = study.run()
    (row,) = (line for line in result.lines if line.method == "SelfTraining")
    assert row.doubted
    assert result.shipped == "SourceOnly"
    assert any("SelfTraining cannot be chosen" in note for note in result.notes)
    assert "follow clusters" in result.chosen_by
