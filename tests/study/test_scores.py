"""Scores: closed forms, and the choice by task."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fourfold.core.tasks import Attributes, Classification, Clustering, Regression, Transcription
from fourfold.data.domain import Domain
from fourfold.errors import ParameterError
from fourfold.study.scores import SCORES, HarmonicMean, choose_score, rows_right


def classes(y):
    return Classification().fit(Domain(np.zeros((len(y), 1)), y))


def test_auc_is_scikit_learns():
    random = np.random.default_rng(0)
    y = random.integers(2, size=100)
    outputs = random.normal(size=(100, 2)).astype(np.float32)
    assert SCORES["auc"](classes(y), y, outputs) == pytest.approx(
        roc_auc_score(y, outputs[:, 1] - outputs[:, 0])
    )


def test_accuracy_by_rows_has_the_score_as_its_mean():
    y = np.array(["a", "b", "c", "a"])
    outputs = np.eye(3, dtype=np.float32)[[0, 1, 0, 2]]
    score = SCORES["accuracy"]
    rows = rows_right(classes(y), y, outputs)
    assert rows.tolist() == [1, 1, 0, 0]
    assert rows.mean() == score(classes(y), y, outputs)


@pytest.mark.parametrize(
    ("y", "name"),
    [
        (np.arange(30) % 2, "accuracy"),
        (np.arange(30) % 10 == 0, "auc"),
        (np.arange(30) % 3, "accuracy"),
        (np.linspace(0, 1, 30), "r2"),
    ],
)
def test_the_primary_score_follows_the_task(y, name):
    domain = Domain(np.zeros((30, 1)), y)
    task = (Regression() if name == "r2" else Classification()).fit(domain)
    assert choose_score(task, domain).name == name


def test_a_score_that_does_not_fit_is_refused():
    domain = Domain(np.zeros((4, 1)), [0, 1, 0, 1])
    with pytest.raises(ParameterError, match="metric must fit"):
        choose_score(classes([0, 1]), domain, "r2")
    with pytest.raises(ParameterError, match="metric must be one of"):
        choose_score(classes([0, 1]), domain, "bogus")


def test_scores_by_class_are_fast_and_the_same():
    task = Classification()
    task.classes_ = np.array(["a", "b", "c"])
    rng = np.random.default_rng(0)
    y = np.array(["a", "a", "b", "c", "z", "c", "b"])
    outputs = rng.normal(size=(7, 3)).astype(np.float32)
    guess = task.classes_[outputs.argmax(axis=1)]
    rates = {name: (guess[y == name] == name).mean() for name in np.unique(y)}
    assert SCORES["balanced_accuracy"](task, y, outputs) == pytest.approx(
        np.mean(list(rates.values()))
    )
    s, u = np.mean([rates["a"], rates["z"]]), np.mean([rates["b"], rates["c"]])
    wanted = 2 * s * u / (s + u) if s + u else 0.0
    assert HarmonicMean(["a", "z"])(task, y, outputs) == pytest.approx(wanted)


@pytest.mark.parametrize("score", [*SCORES.values(), HarmonicMean([0, 1])], ids=lambda s: s.name)
def test_a_row_of_weight_two_counts_twice(score):
    rng = np.random.default_rng(0)
    y, outputs = rng.integers(3, size=30), rng.normal(size=(30, 3)).astype(np.float32)
    task = classes(y)
    if score.name in {"r2", "mae"}:
        y, outputs = rng.normal(size=30), outputs[:, :1]
        task = Regression().fit(Domain(np.zeros((30, 1)), y))
    elif score.name in {"nmi", "entropy"}:
        task = Clustering(n_clusters=3).fit(Domain(np.zeros((30, 1))))
    elif score.name in {"cer", "wer"}:
        y, outputs = (
            rng.choice(["ab a", "b", "a ba b"], 30).astype(object),
            rng.normal(size=(30, 9, 4)),
        )
        task = Transcription().fit(Domain(np.zeros((30, 1)), y))
    times = rng.integers(1, 4, 30)
    at = np.repeat(np.arange(30), times)
    weighted = score(task, y, outputs, times.astype(float))
    assert weighted == pytest.approx(score(task, y[at], outputs[at]), rel=1e-6)
    assert weighted != pytest.approx(score(task, y, outputs), rel=1e-3)


def test_answers_count_by_the_weight_of_their_row():
    y = np.array([[1.0, np.nan], [0.0, 1.0]])
    task = Attributes().fit(Domain(np.zeros((2, 1)), y))
    outputs = np.array([[1, 0], [1, 1]], np.float32)  # right, -; wrong, right
    assert SCORES["accuracy"](task, y, outputs, np.array([3.0, 1.0])) == pytest.approx(4 / 5)
