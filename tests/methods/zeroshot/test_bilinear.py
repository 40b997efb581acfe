"""Scores of a grid of penalties are those of its matrices."""

from __future__ import annotations

import numpy as np

from fourfold.methods.zeroshot._bilinear import Decomposed


def test_scores_of_a_grid_are_those_of_its_matrices():
    rng = np.random.default_rng(0)
    X, S, y = rng.normal(size=(40, 7)), rng.normal(size=(6, 4)), rng.integers(6, size=40)
    decomposed = Decomposed.of(X, y, S, np.ones(len(y), np.float32))
    rows, classes = rng.normal(size=(5, 7)), rng.normal(size=(3, 4))
    grid = ((0.01, 10.0), (5.0, 0.3))
    for penalties, scores in zip(grid, decomposed.scores(rows, classes, grid), strict=True):
        W = decomposed.weight(*penalties)
        wanted = (rows - X.mean(0)) @ W @ (classes - S.mean(0)).T
        np.testing.assert_allclose(scores, wanted, atol=1e-10)
