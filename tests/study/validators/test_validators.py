"""Validators: closed forms, and adapted models that are not believed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons

from fourfold import Domain
from fourfold.core.findings import FAILURE, Facts
from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.preparation.choose import Standardize
from fourfold.study.choice.prior import Prior
from fourfold.study.choice.telling import disbelieved
from fourfold.study.choice.unlabelled import measured_on_sources
from fourfold.study.judge import assess
from fourfold.study.leaderboard import LeaderboardRow, best_choice
from fourfold.study.question import ask_transfer
from fourfold.study.running.outcomes import Outcome
from fourfold.study.validators.agreement import Clusters
from fourfold.study.validators.information import information_maximization
from fourfold.study.validators.nuclear_norm import nuclear_norm
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


def test_clusters_of_broken_shapes_are_found():
    X, y = make_moons(300, noise=0.05, random_state=101)  # ten neighbours leave three parts
    rows = as_rows(X.astype(np.float32))
    found = Clusters.of(rows, Standardize().fit(rows), 2)
    assert found.agreement(classes(y), np.eye(2, dtype=np.float32)[y]) > 0.9


@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (12, 3), (30, 30), (60, 3)])
@pytest.mark.parametrize("constant", [False, True])
def test_few_rows_and_equal_ones_can_be_clustered(shape, constant):
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    rows = as_rows(X * (not constant))
    found = Clusters.of(rows, Standardize().fit(rows), 3)
    assert len(found.codes) == shape[0]
    if shape[0] < 20:
        assert not found.told  # nothing can rise above another then


def test_of_two_classes_each_model_predicts_as_many_rows():
    X, y = make_blobs(200, centers=[(0, 0), (9, 9)], cluster_std=0.3, random_state=0)
    rows = as_rows(X.astype(np.float32))
    found = Clusters.of(rows, Standardize().fit(rows), 2)
    task, score = classes(y), (y - 0.5)[:, None] * [[-1.0, 1.0]]
    shy = (score + np.array([[50, 0]])).astype(
        np.float32
    )  # in the right order, but never the second class
    assert found.agreement(task, shy) == 0
    assert found.agreement(task, shy, np.array([0.5, 0.5])) == pytest.approx(1)


def test_information_with_shares_is_highest_for_these():
    task, im = classes(np.arange(2)), information_maximization
    outputs = 50 * np.eye(2, dtype=np.float32)[np.arange(20) % 4 // 3]  # three quarters, a quarter
    assert im(task, outputs, np.array([0.75, 0.25])) == pytest.approx(0, abs=1e-6)
    assert im(task, outputs, np.array([0.5, 0.5])) < -0.1


def test_the_nuclear_norm_is_one_for_sure_and_balanced_predictions():
    task = classes(np.arange(4))
    sure = np.tile(np.eye(4, dtype=np.float32) * 50, (5, 1))
    assert nuclear_norm(task, sure) == pytest.approx(1)
    assert nuclear_norm(task, sure[:1].repeat(20, 0)) == pytest.approx(0.5)
    assert nuclear_norm(task, np.zeros((20, 4), np.float32)) == pytest.approx(0.25)


def test_the_blend_of_believed_models_is_chosen():
    rows = [
        LeaderboardRow("SourceOnly", "baseline", [0.99], doubted=False),
        LeaderboardRow("DANN", "transfer", [0.9], doubted=True),
        LeaderboardRow("CORAL", "transfer", [0.5], doubted=False),
    ]
    best = best_choice(rows)
    assert best is not None
    assert best.method == "CORAL"
    blended = LeaderboardRow("Blend", "transfer", [0.5], doubted=False, blended=True)
    assert best_choice([*rows, blended]) is blended


def test_the_simplest_of_source_models_that_are_alike_is_chosen():
    rows = [
        LeaderboardRow("SourceOnly", "baseline", [0.905], doubted=False),
        LeaderboardRow("SourceSVM", "baseline", [0.9], doubted=False),
        LeaderboardRow("SourceLinear", "baseline", [0.8], doubted=False),
        LeaderboardRow("DANN", "transfer", [1.0], doubted=True),
    ]
    best = best_choice(rows)
    assert best is not None
    assert best.method == "SourceSVM"


def test_sure_predictions_that_do_not_follow_the_inputs_are_doubted():
    """The source's model has a third of the rows wrong; one method all right, one guesses."""
    X, y = make_blobs(300, centers=3, cluster_std=0.3, random_state=0)
    asked = options(methods=["CORAL", "OTMapping", "MCC", "SHOT"])
    question = ask_transfer([Domain(X, y)], Domain(X), None, options=asked, title="")
    mixed = np.where(np.arange(300) < 100, (y + 1) % 3, y)
    better = np.where(np.arange(300) < 50, (y + 1) % 3, y)  # but clearly less well than the best
    answers = {
        "SourceOnly": mixed, "CORAL": y, "SHOT": y, "OTMapping": np.arange(300) % 3, "MCC": better
    }  # fmt: skip
    made = {name: [_outcome(name, codes)] for name, codes in answers.items()}
    standing, rows = assess(question, made, Prior.packaged())
    assert {name: row.doubted for name, row in rows.items()} == {
        "SourceOnly": False, "CORAL": False, "SHOT": False, "OTMapping": True, "MCC": True,
        "Blend": False,
    }  # fmt: skip
    assert standing.blends["Blend"].weights == {"CORAL": 0.5, "SHOT": 0.5}
    best = best_choice(list(rows.values()))
    assert best is not None
    assert best.method == "Blend"


def test_models_that_use_classes_which_the_target_lacks_are_doubted():
    """Two of four classes are there: each in halves, as clusters of four are, is no evidence."""
    X, y = make_blobs(200, centers=[(0, 0), (9, 0)], cluster_std=0.5, random_state=0)
    source = Domain(np.concatenate([X, X + 50]), np.concatenate([y, y + 2]))
    asked = options(methods=["MCC", "SHOT"])
    question = ask_transfer([source], Domain(X), None, options=asked, title="")
    four, two = question.clusterings
    assert len(np.unique(four.codes)) == 4
    assert len(np.unique(two.codes)) == 2
    halves = np.empty(200, int)
    halves[four.at] = four.codes
    blurred = np.where(np.arange(200) < 20, 1 - y, y)
    answers = {"SourceOnly": blurred, "MCC": y, "SHOT": halves}
    made = {name: [_outcome(name, codes, 4)] for name, codes in answers.items()}
    _, rows = assess(question, made, Prior.packaged())
    assert rows["SHOT"].doubted
    alone = {name: of for name, of in made.items() if name != "SHOT"}
    _, rows = assess(question, alone, Prior.packaged())
    assert not rows["MCC"].doubted


def test_signs_of_failure_are_notes_of_the_study():
    X, y = make_moons(80, random_state=0)
    question = ask_transfer(
        [Domain(X, y)], Domain(X), None, options=options(methods=["CORAL"]), title=""
    )
    failed = [Facts(FAILURE, {"class collapse": "1.0 classes are in use"})]
    rows = [
        LeaderboardRow("DANN", "transfer", [0.5], findings=failed),
        LeaderboardRow("MCC", "transfer", [0.5], findings=[Facts("Other", {"a": "b"})]),
    ]
    assert disbelieved(question, rows) == [
        "DANN shows signs of failure: class collapse, 1.0 classes are in use."
    ]


def test_source_models_are_measured_on_held_out_labels_of_the_source():
    X, y = make_moons(200, noise=0.1, random_state=0)
    question = ask_transfer(
        [Domain(X, y)], Domain(X), None, options=options(methods=["CORAL"]), title=""
    )
    scores = measured_on_sources({"": question}, 1)[""].source_scores
    assert scores.keys() >= {"SourceLinear", "SourceSVM", "SourceOnly"}
    assert 0.8 < scores["SourceLinear"] < scores["SourceSVM"]


def _outcome(method, codes, k=3):
    outputs = {"target": 20 * np.eye(k, dtype=np.float32)[codes]}
    return Outcome(method, 0, None, np.empty(0, np.intp), classes(np.arange(k)), outputs, 1.0, [])


def test_where_the_sources_classes_are_no_clusters_nothing_is_believed():
    """Predictions follow the target's clusters, which on the source have nothing to do with y."""
    X, clusters = make_blobs(300, centers=3, cluster_std=0.3, random_state=0)
    y = np.arange(300) % 3
    asked = options(methods=["SelfTraining"])
    question = ask_transfer([Domain(X, y)], Domain(X), None, options=asked, title="")
    made = {"SourceOnly": [_outcome("SourceOnly", y)], "CORAL": [_outcome("CORAL", clusters)]}
    _, rows = assess(question, made, Prior.packaged())
    assert question.clustered_classes == pytest.approx(0, abs=0.02)
    assert rows["CORAL"].doubted
    (said,) = disbelieved(question, list(rows.values()))
    assert said.startswith("CORAL cannot be chosen: the source's classes are no clusters of its")
