"""Mixtures lie in the simplex, minimize what they say, and are shrunk to given weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp

from fourfold import Attributes, Classification, Domain, Regression
from fourfold.algorithms.mixture import Mixture, alike, fit_mixture, in_terms

N = 300
RANDOM = np.random.default_rng(0)
X = np.zeros((N, 1))
CODES = RANDOM.integers(3, size=N)
NUMBERS = RANDOM.standard_normal(N) * 4 + 10


def classes():
    task = Classification().fit(Domain(X, CODES))
    sharp = 4.0 * np.eye(3)[CODES] + RANDOM.standard_normal((N, 3))
    return task, sharp.astype(np.float32), RANDOM.standard_normal((N, 3)).astype(np.float32)


def test_the_better_model_gets_the_weight():
    task, good, bad = classes()
    found = fit_mixture(task, [bad, good], torch.from_numpy(CODES), None, before=[0.5, 0.5])
    assert sum(found.weights) == pytest.approx(1)
    assert found.weights[1] > 0.9


def test_without_rows_that_speak_the_weights_of_before_stay():
    task, good, _ = classes()
    before = [0.7, 0.3, 0.0]
    found = fit_mixture(task, [good] * 3, torch.from_numpy(CODES), None, before=before)
    np.testing.assert_allclose(found.weights, before, atol=1e-3)


def test_few_rows_move_the_weights_less_than_many_and_repeats_are_no_more_rows():
    task, good, bad = classes()
    y = torch.from_numpy(CODES)
    few, many = (
        fit_mixture(task, [bad[:n], good[:n]], y[:n], None, before=[0.5, 0.5]) for n in (6, N)
    )
    assert 0.5 < few.weights[1] < many.weights[1]
    outputs = [np.tile(one[:6], (4, 1)) for one in (bad, good)]
    often = fit_mixture(task, outputs, y[:6].repeat(4), None, before=[0.5, 0.5], repeats=4)
    np.testing.assert_allclose(often.weights, few.weights, atol=1e-3)


def test_squared_errors_have_the_closed_form():
    task = Regression().fit(Domain(X, NUMBERS))
    y = task.encode(Domain(X, NUMBERS))
    outputs = [y.numpy() + RANDOM.standard_normal((N, 1)).astype(np.float32) for _ in range(2)]
    a, b = (one[:, 0].astype(np.float64) for one in outputs)
    gap, left = a - b, y.numpy()[:, 0] - b
    penalty = 8 / 2 / N
    wanted = (np.mean(gap * left) + penalty) / (np.mean(gap**2) + 2 * penalty)
    found = fit_mixture(task, outputs, y, None, before=[0.5, 0.5])
    assert found.weights[0] == pytest.approx(wanted, abs=1e-4)
    assert found.scale == "log-odds"


@pytest.mark.parametrize("scale", ["log-odds", "probabilities"])
def test_log_probabilities_or_probabilities_are_averaged(scale):
    task, good, bad = classes()
    mixed = Mixture((0.25, 0.75), scale).mix(task, [task, task], [good, bad])
    logs = np.stack([log_softmax(one.astype(float), axis=1) for one in (good, bad)])
    weights = np.array([0.25, 0.75])[:, None, None]
    if scale == "log-odds":
        wanted = (weights * logs).sum(axis=0)
    else:
        wanted = logsumexp(logs + np.log(weights), axis=0)
    np.testing.assert_allclose(mixed, wanted, rtol=1e-4, atol=1e-4)


def test_yes_and_no_are_averaged():
    y = (RANDOM.random((N, 2)) < 0.5).astype(float)
    task = Attributes().fit(Domain(X, y))
    one, other = (RANDOM.standard_normal((N, 2)).astype(np.float32) for _ in range(2))
    mixed = Mixture((0.5, 0.5), "probabilities").mix(task, [task, task], [one, other])
    p = (task.probabilities(one) + task.probabilities(other)) / 2
    np.testing.assert_allclose(task.probabilities(mixed), p, atol=1e-5)


def test_numbers_of_other_units_are_brought_to_the_tasks():
    task, own = (Regression().fit(Domain(X, values)) for values in (NUMBERS, NUMBERS * 3 - 5))
    outputs = RANDOM.standard_normal((N, 1)).astype(np.float32)
    np.testing.assert_allclose(
        task.decode(in_terms(task, own, outputs)), own.decode(outputs), rtol=1e-4
    )
    mixed = Mixture((1.0, 0.0)).mix(task, [own, task], [outputs, outputs])
    np.testing.assert_allclose(task.decode(mixed), own.decode(outputs), rtol=1e-4)


def test_tasks_are_alike_with_the_same_classes_or_as_many_numbers():
    three = Classification().fit(Domain(X, CODES))
    two = Classification().fit(Domain(X, CODES % 2))
    number = Regression().fit(Domain(X, NUMBERS))
    assert alike(three, three)
    assert not alike(three, two)
    assert alike(number, number)
    assert not alike(three, number)
