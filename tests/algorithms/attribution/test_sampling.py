"""Sampled Shapley values: exact sums, exact values of sums, and symmetry."""

from __future__ import annotations

import numpy as np

from fourfold.algorithms.attribution.sampling import sampled_values

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
USUAL = np.array([0.5, 0.0, -1.0, 2.0], np.float32)
GROUPS = np.array([0, 1, 1, 2])


def test_columns_of_a_sum_have_their_own_parts():
    weight = RNG.normal(size=(4, 2))
    found = sampled_values(lambda x: x @ weight, X, USUAL, GROUPS)
    parts = (X - USUAL)[:, :, None] * weight
    wanted = np.stack([parts[:, i == GROUPS].sum(1) for i in range(3)], axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_two_columns_share_their_product_and_all_add_up():
    score = lambda x: (x[:, :1] * x[:, 3:]) + np.tanh(x[:, 1:2])  # noqa: E731  a formula
    found = sampled_values(score, X, 0 * USUAL, GROUPS)
    np.testing.assert_allclose(found.sum(1), score(X) - score(0 * X), atol=1e-6)
    np.testing.assert_allclose(found[:, 0], (X[:, :1] * X[:, 3:]) / 2, atol=1e-6)
