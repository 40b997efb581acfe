"""The linear baseline is scikit-learn's logistic or ridge regression."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from torch import nn

from fourfold import Domain
from fourfold.frozen.frozen import Frozen
from fourfold.methods.baselines.linear import Linear
from fourfold.networks.cut import cut
from fourfold.training.recipe import Recipe


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_for_classes_it_is_logistic_regression(load, classes, alpha):
    X, y = load(return_X_y=True)
    X, y = X[y < classes], y[y < classes]
    Z = StandardScaler().fit_transform(X).astype(np.float32)
    expected = LogisticRegression(C=1 / alpha, max_iter=1000).fit(Z, y)
    model = Linear(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(Z), atol=2e-3)
    assert model.score(X, y) == pytest.approx(expected.score(Z, y), abs=0.01)


@pytest.mark.parametrize("several", [False, True])
def test_for_numbers_it_is_ridge_regression(several):
    X, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y + 0.5, 3 * X[:, 2]]) if several else y + 0.5
    Z = StandardScaler().fit_transform(X)
    expected = Ridge(alpha=5.0).fit(Z, y)
    model = Linear(alpha=5.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected.predict(Z), rtol=1e-3, atol=1e-3)


def test_each_output_learns_from_the_rows_that_have_it():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y + 0.5, y * 2 - 0.5])
    both[::2, 1] = np.nan
    model = Linear().fit(X, both)
    alone = Linear().fit(Domain(X, both[:, 1]))
    np.testing.assert_allclose(model.predict(X)[:, 1], alone.predict(X), rtol=1e-3)


def test_each_answer_is_a_logistic_regression_on_the_rows_that_have_it():
    X, y = load_iris(return_X_y=True)
    answers = np.eye(3)[y][:, 1:]
    answers[::3, 1] = np.nan
    model = Linear(alpha=1.0).fit(X, answers)
    Z = StandardScaler().fit_transform(X).astype(np.float32)
    for i, found in enumerate(model.predict_proba(X).T):
        on = ~np.isnan(answers[:, i])
        expected = LogisticRegression(max_iter=1000).fit(Z[on], answers[on, i])
        np.testing.assert_allclose(found, expected.predict_proba(Z)[:, 1], atol=2e-3)


def test_an_answer_that_is_always_the_same_is_given_by_its_share():
    X, y = load_iris(return_X_y=True)
    nothing = np.full(150, np.nan)
    columns = [y == 0, np.ones(150), np.zeros(150), nothing]
    p = Linear().fit(X, np.column_stack(columns)).predict_proba(X)
    np.testing.assert_allclose(p[:, 1:], [[150.5 / 151, 0.5 / 151, 0.5]] * 150, rtol=1e-5)


def test_nothing_is_trained_so_that_there_is_no_recipe():
    with pytest.raises(TypeError, match="recipe"):
        Linear(recipe=Recipe())


def test_one_label_a_class_is_enough():
    X, y = load_iris(return_X_y=True)
    model = Linear().fit(X[[0, 60, 120]], y[[0, 60, 120]])  # and no warning
    assert model.score(X, y) > 0.7


def test_unlabelled_rows_take_no_part():
    X, y = load_iris(return_X_y=True)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    model = Linear(alpha=1.0).fit(X, few)
    Z = StandardScaler().fit(X).transform(X).astype(np.float32)
    expected = LogisticRegression(max_iter=1000).fit(Z[::5], y[::5])
    np.testing.assert_array_equal(model.predict(X), expected.predict(Z))


def test_it_stands_on_frozen_features_whatever_network_is_above():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU())
    parts = cut(network, "1", engine="torch")
    assert isinstance(parts.frozen, Frozen)
    model = Linear(network=parts, alpha=1.0).fit(X, y)
    with torch.no_grad():
        features = network[:2](torch.from_numpy(X)).numpy()
    expected = LogisticRegression(max_iter=1000).fit(features, y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(features), atol=2e-3)
