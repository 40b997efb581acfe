"""Lines beside scores that are there already have closed forms, and scikit-learn's without them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from fourfold.algorithms.additive.goal import Goal
from fourfold.algorithms.additive.lines import choose_alpha, fit_line
from fourfold.algorithms.additive.recalibration import recalibrate
from fourfold.algorithms.samples import Sample

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)).astype(np.float32)
SLOPE = X @ RNG.normal(size=6)
WEIGHT = RNG.uniform(0.5, 2, 80).astype(np.float32)
YES = (SLOPE + RNG.normal(size=80) > 0).astype(np.int64)
THREE = np.digitize(SLOPE + RNG.normal(size=80), [-1, 1])


def sample(y, x=X):
    return Sample(x, y, WEIGHT[: len(x)])


@pytest.mark.parametrize("y", [YES, THREE], ids=["two", "three"])
def test_without_an_offset_it_is_scikit_learns(y):
    goal = Goal("classes", y.max() + 1)
    line = fit_line(sample(y), goal, 2.0)
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(X, y, WEIGHT)
    theirs = peer.decision_function(X).reshape(80, -1)
    ours = X @ line.weight + line.bias
    if y.max() > 1:  # scores of classes are known but for what is added to all
        theirs, ours = (s - s.mean(axis=1, keepdims=True) for s in (theirs, ours))
    np.testing.assert_allclose(ours, theirs, atol=2e-2)


def test_more_features_than_rows_are_solved_by_the_rows():
    wide = RNG.normal(size=(20, 60)).astype(np.float32)
    rows = Sample(wide, YES[:20], WEIGHT[:20])
    line = fit_line(rows, Goal("classes", 2), 3.0)
    peer = LogisticRegression(C=1 / 3, tol=1e-10, max_iter=5000).fit(wide, YES[:20], WEIGHT[:20])
    np.testing.assert_allclose(line.weight[:, 0], peer.coef_[0], atol=1e-4)


def test_at_the_optimum_nothing_is_left_to_gain_beside_an_offset():
    offset = RNG.normal(size=(80, 3))
    line = fit_line(sample(THREE), Goal("classes", 3), 2.0, offset)
    scores = offset + X @ line.weight + line.bias
    error = WEIGHT[:, None] * (softmax(scores, axis=1) - (THREE[:, None] == np.arange(3)))
    np.testing.assert_allclose(X.T @ error + 2.0 * line.weight, 0, atol=1e-2)
    line = fit_line(sample(YES), Goal("classes", 2), 2.0, offset[:, :1])
    p = expit(offset[:, 0] + X @ line.weight[:, 0] + line.bias[0])
    np.testing.assert_allclose(X.T @ (WEIGHT * (p - YES)) + 2 * line.weight[:, 0], 0, atol=1e-4)


def test_numbers_are_a_ridge_regression_to_what_is_left():
    offset, alpha = RNG.normal(size=(80, 1)), 3.0
    line = fit_line(sample(SLOPE[:, None]), Goal("numbers", 1), alpha, offset)
    wide = np.column_stack([X, np.ones(80)]).astype(float)
    penalty = np.diag([alpha] * 6 + [0.0])
    rest = SLOPE - offset[:, 0]
    wanted = np.linalg.solve(wide.T @ (WEIGHT[:, None] * wide) + penalty, wide.T @ (WEIGHT * rest))
    np.testing.assert_allclose(np.append(line.weight, line.bias), wanted, atol=1e-5)


def test_missing_answers_and_numbers_count_for_no_column():
    y = np.column_stack([YES, YES]).astype(float)
    y[::3, 1] = np.nan
    line = fit_line(sample(y), Goal("answers", 2), 2.0)
    known = ~np.isnan(y[:, 1])
    alone = fit_line(sample(YES).at(known), Goal("classes", 2), 2.0)
    np.testing.assert_allclose(line.weight[:, 1], alone.weight[:, 0], atol=1e-6)


def test_the_penalty_grows_with_the_noise():
    rows = Sample(X, SLOPE[:, None], WEIGHT)
    noise = rows._replace(y=RNG.normal(size=(80, 1)))
    goal = Goal("numbers", 1)
    assert choose_alpha(rows, goal) < choose_alpha(noise, goal)
    assert choose_alpha(rows, goal, SLOPE[:, None]) >= 100  # nothing is left


def test_a_single_class_tells_a_level_alone():
    ones = np.ones(10, np.int64)
    line = fit_line(Sample(X[:10], ones, np.ones(10, np.float32)), Goal("classes", 2), 1.0)
    assert (line.weight == 0).all()
    assert line.bias[0] == pytest.approx(np.log(10.5 / 0.5))


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_recalibration_finds_level_and_slope(kind):
    rng = np.random.default_rng(1)
    score = 2 * rng.normal(size=(20_000, 1))
    if kind == "numbers":
        y, goal = 0.5 * score + 1 + 0.1 * rng.normal(size=score.shape), Goal("numbers", 1)
    else:
        y = (rng.uniform(size=len(score)) < expit(0.5 * score[:, 0] + 1)).astype(int)
        goal = Goal("classes", 2)
    rows = Sample(score.astype(np.float32), y, np.ones(len(y), np.float32))
    (slope,), (shift,) = recalibrate(score, rows, goal, 10.0)
    assert slope == pytest.approx(0.5, abs=0.05)
    assert shift == pytest.approx(1, abs=0.05)
    (slope,), _ = recalibrate(score[:3], rows.at(np.arange(3)), goal, 1e6)
    assert slope == pytest.approx(1, abs=1e-3)  # the penalty holds it
