"""Rejection: the least squared error in two groups, and the answer where they meet."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import entr, softmax

from fourfold.algorithms.rejection import Rejection, fit_rejection, two_means


def test_two_means_have_the_least_squared_error():
    x = np.random.default_rng(0).normal(size=30) ** 3
    low, high = two_means(x)
    ordered = np.sort(x)
    errors = [ordered[:i].var() * i + ordered[i:].var() * (30 - i) for i in range(1, 30)]
    best = int(np.argmin(errors)) + 1
    assert (low, high) == pytest.approx((ordered[:best].mean(), ordered[best:].mean()))


@pytest.mark.parametrize("n", [1, 5])
def test_equal_rows_are_one_group_and_all_known(n):
    outputs = np.tile(np.float32([2, 0, 1]), (n, 1))
    assert (fit_rejection(outputs).apply(outputs).argmax(axis=1) == 0).all()


def test_rows_above_the_threshold_are_unknown_and_the_others_keep_their_class():
    outputs = np.random.default_rng(0).normal(scale=4, size=(200, 3)).astype(np.float32)
    rejection = fit_rejection(outputs)
    unsure = entr(softmax(outputs.astype(float), axis=1)).sum(axis=1) / np.log(3)
    found = rejection.apply(outputs).argmax(axis=1)
    unknown = unsure > rejection.threshold
    assert 0 < unknown.sum() < 200
    assert (found[unknown] == 3).all()
    assert (found[~unknown] == outputs[~unknown].argmax(axis=1)).all()


def test_where_known_and_unknown_meet_they_are_as_likely():
    at = torch.tensor([[3.0, 0.0, 0.0]])
    p = at.softmax(1).numpy()
    threshold = float(entr(p).sum() / np.log(3))
    both = Rejection(threshold, 8.0).module()(at)
    assert both[0, 3].item() == pytest.approx(3.0, abs=1e-5)
