"""A linear head is solved in closed form, with a penalty that held-out labels choose."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from fourfold import Domain, Linear
from fourfold.algorithms.samples import Sample
from fourfold.estimators import linear_head


def rows_of(x, y, **beside):
    return Sample(x, y, np.ones(len(y), np.float32), **beside)


def test_the_penalty_is_chosen_by_held_out_labels_weaker_while_it_gets_better():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 20)).astype(np.float32)
    told, noise = (x[:, 0] > 0).astype(int), rng.integers(0, 2, 200)
    one, other = rows_of(x, told), rows_of(x, noise)
    assert linear_head._chosen(one, 1.0) < linear_head._chosen(other, 1.0)


@pytest.mark.parametrize("alpha", [None, 3.0])
def test_rows_wider_than_many_are_learnt_from_as_they_are(alpha):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 80)).astype(np.float32)
    y = (rng.permutation(30) % 3).astype(np.float32)
    rows = rows_of(x, y)
    weights, biases = linear_head._logistic(rows, alpha, 3)
    chosen = alpha or linear_head._chosen(rows, linear_head._unit(rows))
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


PATIENTS = np.repeat(np.arange(12), 10)


def patients():
    """Twelve patients, ten rows each, who are told apart by much and by the disease hardly."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(12) % 2, 10)
    x = rng.normal(size=(12, 20))[PATIENTS] * 3 + rng.normal(size=(120, 20))
    x[:, 0] += y
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_penalty_is_chosen_by_patients_that_were_not_learnt_from(kind):
    x, y = patients()
    bare, beside = rows_of(x, y), rows_of(x, y, groups=PATIENTS)
    if kind == "classes":
        assert linear_head._chosen(beside, 1.0) > linear_head._chosen(bare, 1.0)
    else:  # the stronger the penalty, the smaller the weights
        small, large = (linear_head._numbers(rows, None)[0] for rows in (beside, bare))
        assert np.linalg.norm(small) < np.linalg.norm(large)


@pytest.mark.parametrize("groups", [PATIENTS, None])
@pytest.mark.parametrize("time", [np.arange(120.0), None])
def test_later_rows_of_new_classes_judge_no_penalty(groups, time):
    x, y = patients()
    y[100:] = 2
    chosen = linear_head._chosen(rows_of(x, y, groups=groups, time=time), 1.0)
    assert chosen in linear_head.ALPHAS


def test_groups_reach_the_penalty_of_a_fit():
    x, y = patients()
    rows, groups = (Linear().fit(Domain(x, y.astype(int), groups=g)) for g in (None, PATIENTS))
    weights = [float(one.model_.head.weight.detach().norm()) for one in (rows, groups)]
    assert weights[1] < weights[0]
