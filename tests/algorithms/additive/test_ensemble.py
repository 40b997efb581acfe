"""Trees that are read from LightGBM score as LightGBM does, on any cell."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from fourfold.algorithms.additive.boosting import Objective, Size, ensemble, grow, tune
from fourfold.algorithms.additive.ensemble import parse
from fourfold.algorithms.additive.goal import Goal
from fourfold.algorithms.additive.model import Additive
from fourfold.algorithms.linear import Affine
from fourfold.algorithms.samples import Sample

CATEGORIES = [3, 4]


def odd_rows(n=1500, seed=0):
    """Draw numbers, some missing, and categories, few and many."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)).astype(np.float32)
    x[:, 3], x[:, 4] = rng.integers(0, 7, n), rng.integers(0, 90, n)
    x[::7, 1], x[::50, 3] = np.nan, np.nan
    return x


X = odd_rows()
SCORE = np.nan_to_num(X[:, 0]) + (np.nan_to_num(X[:, 3]) > 3) + (X[:, 4] % 7 == 0)
LABELS = {
    "binary": (SCORE > 1).astype(int),
    "multiclass": np.digitize(SCORE, [0.3, 1.3]),
    "regression": SCORE,
}
GOALS = {
    "binary": Goal("classes", 2),
    "multiclass": Goal("classes", 3),
    "regression": Goal("numbers", 1),
}


def sample(kind, rows=X):
    y = LABELS[kind]
    return Sample(rows, y, np.ones(len(y), np.float32))


def additive(trees, goal):
    line = Affine(np.zeros((X.shape[1], goal.columns)), np.zeros(goal.columns))
    return Additive(goal, line, X.shape[1], 0, trees)


def strange_rows():
    """Return rows with cells that no training row has."""
    rows = odd_rows(600, seed=1)
    rows[:100, 4], rows[100:200, 3] = 5000, -1
    rows[200:300, 0], rows[300:400] = np.nan, np.nan
    rows[400:500, 0] = 1e30
    return rows


@pytest.mark.parametrize("kind", LABELS)
def test_scores_are_those_of_lightgbm_on_odd_rows(kind):
    goal = GOALS[kind]
    text = grow(sample(kind), Objective(kind, goal.columns), Size(31, 60), CATEGORIES, 0)
    model = additive(parse(text), goal)
    wanted = lightgbm.Booster(model_str=text).predict(strange_rows(), raw_score=True)
    np.testing.assert_allclose(
        model.scores(strange_rows()), wanted.reshape(600, -1), atol=1e-5, rtol=1e-5
    )


def test_thresholds_keep_their_side_in_float32():
    """A threshold between two neighbours of float32 rounds down, not to the nearer one."""
    low = np.float32(1)
    high = np.nextafter(low, np.float32(2))
    x = np.repeat([low, high], 50)[:, None].astype(np.float32)
    rows = Sample(x, np.repeat([0.0, 1.0], 50), np.ones(100, np.float32))
    text = grow(rows, Objective("regression"), Size(2, 5, least=1), [], 0)
    goal = Goal("numbers", 1)
    model = Additive(goal, Affine(np.zeros((1, 1)), np.zeros(1)), 1, 0, parse(text))
    scores = model.scores(np.array([[low], [high]]))[:, 0]
    assert scores[1] - scores[0] > 0.1


def test_a_fixed_feature_is_decided_at_once():
    rng = np.random.default_rng(0)
    flags = rng.integers(0, 2, len(X))
    y = np.where(flags == 1, SCORE + 2, -SCORE)
    rows = Sample(np.column_stack([X, flags]).astype(np.float32), y, np.ones(len(X), np.float32))
    text = grow(rows, Objective("regression"), Size(31, 40), CATEGORIES, 0)
    trees = ensemble([text], (X.shape[1], 1.0))
    assert X.shape[1] not in trees.feature
    whole = lightgbm.Booster(model_str=text)
    wanted = whole.predict(np.column_stack([X, np.ones(len(X))]), raw_score=True)
    got = additive(trees, GOALS["regression"]).scores(X)[:, 0]
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_slopes_shifts_and_sums_are_those_of_the_scores():
    goal = GOALS["multiclass"]
    objective = Objective("multiclass", 3)
    one, other = (
        additive(parse(grow(sample("multiclass"), objective, Size(4, n), CATEGORIES, n)), goal)
        for n in (5, 9)
    )
    slopes, shifts = np.array([0.5, 2.0, 1.0]), np.array([1.0, 0.0, -1.0])
    scaled = one.scaled(slopes, shifts)
    np.testing.assert_allclose(scaled.scores(X), slopes * one.scores(X) + shifts, atol=1e-5)
    both = one.plus(other)
    np.testing.assert_allclose(both.scores(X), one.scores(X) + other.scores(X), atol=1e-5)


def test_a_line_stands_beside_trees():
    goal = GOALS["binary"]
    trees = parse(grow(sample("binary"), Objective("binary"), Size(4, 5), CATEGORIES, 0))
    weight = np.array([[1.0], [-2.0]])
    line = Affine(weight, np.array([0.5]))
    clean = np.nan_to_num(X)
    model = Additive(goal, line, X.shape[1], 3, trees)
    alone = additive(trees, goal).scores(clean)
    np.testing.assert_allclose(model.scores(clean), alone + clean[:, 3:] @ weight + 0.5, rtol=1e-4)


def test_the_size_follows_what_there_is_to_learn():
    objective = Objective("regression")
    rng = np.random.default_rng(0)
    noise = sample("regression")._replace(y=rng.normal(size=len(X)))
    rich = tune(sample("regression"), objective, CATEGORIES, 0)
    poor = tune(noise, objective, CATEGORIES, 0)
    assert rich.trees * rich.leaves > 2 * poor.trees * poor.leaves
    few = sample("regression").at(np.arange(40))
    assert tune(few, objective, CATEGORIES, 0).least == 2
