"""A forest of torch answers as scikit-learn's does."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesRegressor

from fourfold.algorithms.zeroshot.forest import Forest


def grown(**settings):
    X, y = load_digits(return_X_y=True)
    targets = np.eye(10)[y]
    return X.astype(np.float32), targets, ExtraTreesRegressor(
        12, random_state=0, **settings
    ).fit(X, targets)  # fmt: skip


def test_every_row_falls_into_scikit_learns_leaves():
    X, _, forest = grown(min_samples_leaf=2)
    near = X + np.random.default_rng(0).normal(scale=1e-6, size=X.shape).astype(np.float32)
    for rows in (X, near):
        said = Forest.from_sklearn(forest)(torch.from_numpy(rows))
        np.testing.assert_allclose(said, forest.predict(rows), atol=1e-6)


def test_a_number_at_a_threshold_goes_the_same_way():
    _, _, forest = grown()
    thresholds = np.concatenate([e.tree_.threshold for e in forest.estimators_])
    rows = np.random.default_rng(0).choice(thresholds, (3000, 64)).astype(np.float32)
    np.testing.assert_allclose(
        Forest.from_sklearn(forest)(torch.from_numpy(rows)), forest.predict(rows), atol=1e-6
    )


def test_leaves_say_the_average_of_what_is_known():
    X, targets, forest = grown(min_samples_leaf=5)
    made = Forest.from_sklearn(forest)
    before = made(torch.from_numpy(X))
    made.set_leaves(forest.apply(X), targets.astype(np.float32), np.ones(len(X)), np.zeros(10))
    np.testing.assert_allclose(made(torch.from_numpy(X)), before, atol=1e-5)
    holes = targets.astype(np.float32)
    holes[:, 3] = np.nan
    holes[::2, 4] = np.nan
    made.set_leaves(forest.apply(X), holes, np.ones(len(X)), np.full(10, 0.25))
    said = made(torch.from_numpy(X))
    np.testing.assert_allclose(said[:, 3], 0.25, atol=1e-6)
    assert not np.allclose(said[:, 4], before[:, 4])
    np.testing.assert_allclose(said[:, 5], before[:, 5], atol=1e-5)
