"""A linear head is solved in closed form, with a penalty that held-out labels choose."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from fourfold import Linear
from fourfold.estimators import linear_head


def test_the_penalty_is_chosen_by_held_out_labels_weaker_while_it_gets_better():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 20)).astype(np.float32)
    told, noise = (x[:, 0] > 0).astype(int), rng.integers(0, 2, 200)
    w = np.ones(200, np.float32)
    assert linear_head._chosen(x, told, w, 1.0) < linear_head._chosen(x, noise, w, 1.0)


@pytest.mark.parametrize("alpha", [None, 3.0])
def test_rows_wider_than_many_are_learnt_from_as_they_are(alpha):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 80)).astype(np.float32)
    y = (rng.permutation(30) % 3).astype(np.float32)
    w = np.ones(30, np.float32)
    weights, biases = linear_head._logistic(x, y, w, alpha, 3)
    chosen = alpha or linear_head._chosen(x, y, w, linear_head._unit(x, w))
    plain = LogisticRegression(C=1 / chosen, tol=1e-8, max_iter=10_000).fit(x.astype(float), y)
    assert np.allclose(weights, plain.coef_, atol=3e-3)
    assert np.allclose(biases, plain.intercept_, atol=3e-3)


@pytest.mark.parametrize("rows", [30, 90])
@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_order_of_rows_changes_no_answer(kind, rows):
    """Neither in the folds that choose a penalty, nor in the steps of the solver."""
    X, classes = load_digits(return_X_y=True)
    y = classes if kind == "classes" else X[:, 10:13].sum(axis=1) + X[:, 20] / 7
    asked, order = X[900:1000], np.random.default_rng(0).permutation(rows)
    one = Linear().fit(X[:rows], y[:rows]).outputs(asked)
    other = Linear().fit(X[order], y[order]).outputs(asked)
    assert np.abs(one - other).max() < 1e-6 * np.abs(one).max()
