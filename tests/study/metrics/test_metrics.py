"""Metrics agree with scikit-learn's, and errors are shown without their sign."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, log_loss, mean_absolute_error, roc_auc_score

from fourfold import Domain
from fourfold.core.tasks import Attributes, Classification, Clustering, Regression, infer_task
from fourfold.errors import ParameterError
from fourfold.study.gate import Interval
from fourfold.study.leaderboard import LeaderboardRow
from fourfold.study.metrics.base import RowScore
from fourfold.study.running.outcomes import take
from fourfold.study.scores import SCORES, HarmonicMean, choose_score

RNG = np.random.default_rng(0)
TWO = np.array(["no", "yes"])[(np.arange(40) % 4 == 0).astype(int)]
THREE = np.arange(40) % 3
ANSWERS = np.c_[np.arange(40) % 2, np.arange(40) % 5 == 0].astype(float)


def pile(y):
    return Domain(np.zeros((len(y), 1)), y)


def asked(y, name):
    """Return the task, the metric as a study chooses it, and outputs."""
    domain = pile(y)
    task = (Classification() if y.ndim == 1 else Attributes()).fit(domain)
    outputs = RNG.normal(size=(len(y), task.n_outputs)).astype(np.float32)
    return task, choose_score(task, domain, name), outputs


def test_f1_is_of_the_rarer_of_two_classes_and_the_mean_of_several():
    task, f1, outputs = asked(TWO, "f1")
    guess = task.decode(outputs)
    assert f1(task, TWO, outputs) == pytest.approx(f1_score(TWO, guess, pos_label="yes"))
    task, f1, outputs = asked(THREE, "f1")
    guess = task.decode(outputs)
    assert f1(task, THREE, outputs) == pytest.approx(f1_score(THREE, guess, average="macro"))
    task, f1, outputs = asked(ANSWERS, "f1")
    guess = task.decode(outputs)
    assert f1(task, ANSWERS, outputs) == pytest.approx(f1_score(ANSWERS, guess, average="macro"))


def test_weights_of_rows_count():
    weight = RNG.uniform(0.5, 2, size=40)
    for name, theirs in (("f1", f1_score), ("log_loss", log_loss), ("brier", brier_score_loss)):
        task, score, outputs = asked(TWO, name)
        p = task.probabilities(outputs)
        given = task.decode(outputs) if name == "f1" else p if name == "log_loss" else p[:, 1]
        positive = {} if name == "log_loss" else {"pos_label": "yes"}
        wanted = theirs(TWO, given, sample_weight=weight, **positive)
        assert score.shown(score(task, TWO, outputs, weight)) == pytest.approx(
            wanted if score.lower else score.shown(wanted), rel=1e-4
        )


@pytest.mark.parametrize("y", [TWO, THREE])
def test_losses_of_probabilities_are_scikit_learns(y):
    task, loss, outputs = asked(y, "log_loss")
    p = task.probabilities(outputs).astype(float)
    p /= p.sum(axis=1, keepdims=True)
    assert loss.shown(loss(task, y, outputs)) == pytest.approx(log_loss(y, p), rel=1e-4)
    task, brier, outputs = asked(y, "brier")
    p = task.probabilities(outputs).astype(float)
    one_hot = task.codes(y)[:, None] == np.arange(p.shape[1])
    wanted = ((p - one_hot) ** 2).sum(axis=1).mean()
    if len(task.classes_) == 2:
        wanted = brier_score_loss(y, p[:, 1], pos_label="yes")
    assert brier.shown(brier(task, y, outputs)) == pytest.approx(wanted, rel=1e-4)


def test_losses_of_answers_count_known_ones():
    y = ANSWERS.copy()
    y[::3, 1] = np.nan
    for name in ("log_loss", "brier"):
        task, score, outputs = asked(y, name)
        p = 1 / (1 + np.exp(-outputs.astype(float)))
        each = (p - y) ** 2 if name == "brier" else -np.log(np.where(y == 1, p, 1 - p))
        wanted = np.nanmean(np.where(np.isnan(y), np.nan, each), axis=1).mean()
        assert score.shown(score(task, y, outputs)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("y", [RNG.normal(size=20) * 9 + 50, RNG.normal(size=(20, 2)) * 9])
def test_mae_is_in_the_units_of_the_labels(y):
    task = Regression().fit(pile(y))
    outputs = RNG.normal(size=(20, task.n_outputs)).astype(np.float32)
    mae = choose_score(task, pile(y), "mae")
    wanted = mean_absolute_error(y, task.decode(outputs))
    assert mae.shown(mae(task, y, outputs)) == pytest.approx(wanted)


def test_a_class_that_a_model_does_not_know_is_the_worst():
    task, y = Classification().fit(pile(THREE)), np.array([9, 9])
    sure = np.array([[50.0, 0, 0], [0, 50, 0]], np.float32)
    for name in ("log_loss", "brier", "f1"):
        score = choose_score(task, pile(THREE), name)
        assert score(task, y, sure) == pytest.approx(score.worst, rel=1e-4)
    impossible = np.array([[0.0, -np.inf, -np.inf]], np.float32)  # as a linear model may say
    assert SCORES["log_loss"](task, np.array([1]), impossible) == SCORES["log_loss"].worst


def test_means_over_rows_are_resampled_by_row():
    task, loss, outputs = asked(THREE, "log_loss")
    assert isinstance(loss, RowScore)
    assert loss.rows(task, THREE, outputs).mean() == pytest.approx(loss(task, THREE, outputs))


def test_errors_are_shown_above_zero():
    row = LeaderboardRow("M", "transfer", [-0.5], [-0.4], Interval(0.1, -0.05, 0.2, 0.3), "helped")
    shown = row.shown(SCORES["mae"], SCORES["mae"])
    assert (shown.choice, shown.scores) == ([0.5], [0.4])
    assert shown.difference == Interval(-0.1, -0.2, 0.05, 0.3)
    assert row.shown(SCORES["mae"]).choice == [-0.5]  # of a validator
    assert row.shown(SCORES["r2"], SCORES["r2"]) == row


def test_metrics_of_other_labels_are_refused():
    task = Regression().fit(pile(np.arange(9) + 0.5))
    with pytest.raises(ParameterError, match=r"metric must fit the labels, Regression: r2, mae"):
        choose_score(task, pile(np.arange(9) + 0.5), "f1")
    for name in ("f1", "log_loss", "brier"):
        with pytest.raises(ParameterError, match="needs classes or answers; got a Regression"):
            SCORES[name](task, np.arange(9) + 0.5, np.zeros((9, 1)))
    with pytest.raises(ParameterError, match="mae needs numbers"):
        SCORES["mae"](Classification().fit(pile(THREE)), THREE, np.zeros((40, 3)))


GAPPY = np.where(np.arange(80).reshape(40, 2) % 7 == 3, np.nan, RNG.normal(3, 2, (40, 2)))
CLASSES = ["accuracy", "balanced_accuracy", "auc", "f1", "log_loss", "brier"]
KINDS = {
    "two": (TWO, CLASSES),
    "three": (THREE, [*CLASSES, "harmonic_mean"]),
    "answers": (ANSWERS, ["accuracy", "f1", "log_loss", "brier"]),
    "numbers": (GAPPY, ["r2", "mae"]),
    "clusters": (THREE, ["nmi", "entropy"]),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(k, n) for k, (_, names) in KINDS.items() for n in names]
)
def test_scores_under_weights_are_those_of_rows_that_repeat(kind, name):
    """Draws of the bootstrap, in which rows repeat and classes may lack, equal scores anew."""
    y = KINDS[kind][0]
    task = (
        infer_task(pile(y)).fit(pile(y))
        if kind != "clusters"
        else Clustering(n_clusters=3).fit(pile(y))
    )
    outputs = RNG.normal(size=(40, task.n_outputs)).round(1).astype(np.float32)  # with ties
    score = HarmonicMean([0, 1]) if name == "harmonic_mean" else SCORES[name].of(pile(y))
    counts = np.stack([np.bincount(RNG.integers(40, size=12), minlength=40) for _ in range(30)], 1)
    drawn = [np.repeat(np.arange(40), column) for column in counts.T]
    anew = [score(task, y[rows], take(outputs, rows)) for rows in drawn]
    found = score.rater(task, y, outputs)(counts.astype(float))
    assert found == pytest.approx(anew, abs=1e-8)


def test_the_auc_is_scikit_learns_with_ties_and_weights():
    weight = RNG.uniform(0.5, 2, size=40)
    task, auc, outputs = asked(TWO, "auc")
    p = task.probabilities(outputs.round(0))
    wanted = roc_auc_score(TWO == "yes", p[:, 1], sample_weight=weight)
    assert auc(task, TWO, outputs.round(0), weight) == pytest.approx(wanted, abs=1e-12)
    task, auc, outputs = asked(THREE, "auc")
    p = task.probabilities(outputs.round(0))
    wanted = np.mean([roc_auc_score(k == THREE, p[:, k], sample_weight=weight) for k in range(3)])
    assert auc(task, THREE, outputs.round(0), weight) == pytest.approx(wanted, abs=1e-12)
