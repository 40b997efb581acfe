"""The kernel machine solves its equations, and weights count rows."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.algorithms.kernel_machine import fit_machine, solve
from fourfold.algorithms.samples import Sample

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (np.linalg.norm(X, axis=1) > 1.6).astype(int)
WANTED = 2.0 * (Y[:, None] == np.arange(2)) - 1
ONES = np.ones(60, np.float32)


def test_it_solves_the_equations_of_suykens_and_vandewalle():
    weight = RNG.uniform(0.5, 2, 60)
    kernel = np.exp(-((X[:, None] - X[None]) ** 2).sum(-1))
    found, bias = solve(kernel, WANTED, weight, 0.3)
    fitted = kernel @ found + bias
    assert fitted + 0.3 * found / weight[:, None] == pytest.approx(WANTED, abs=1e-6)
    assert found.sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-8)


def test_a_row_of_weight_two_counts_as_two_rows():
    twice = np.r_[np.arange(60), np.arange(20)]
    weight = np.r_[np.full(20, 2.0), np.ones(40)].astype(np.float32)
    one = fit_machine(Sample(X, Y, weight), WANTED, stratified=True, alpha=0.75, gamma=0.5)
    more = Sample(X[twice], Y[twice], np.ones(80, np.float32))
    other = fit_machine(more, WANTED[twice], stratified=True, alpha=0.75 * weight.mean(), gamma=0.5)
    summed = other.coefficients[:60].copy()
    summed[:20] += other.coefficients[60:]
    assert summed == pytest.approx(one.coefficients, abs=1e-5)
    assert other.bias == pytest.approx(one.bias, abs=1e-5)


def test_the_choice_is_of_rows_that_were_held_out():
    found = fit_machine(Sample(X, Y, ONES), WANTED, stratified=True)
    assert np.sort(found.rows).tolist() == list(range(60))
    right = found.held.argmax(axis=1) == Y[found.rows]
    assert right.mean() > 0.8  # a sphere, which no linear model can tell
    few = fit_machine(Sample(X[:2], np.array([0, 1]), ONES[:2]), WANTED[:2], stratified=True)
    assert len(few.rows) == 0


def test_equal_rows_are_no_fault():
    found = fit_machine(Sample(X[:1].repeat(9, 0), Y[:9], ONES[:9]), WANTED[:9], stratified=True)
    assert np.isfinite(found.coefficients).all()


def test_rows_that_are_close_together_and_far_from_nought_can_be_told_apart():
    rows = (X / 1000 + 1).astype(np.float32)  # as of a source beside a target in other units
    found = fit_machine(Sample(rows, Y, ONES), WANTED, stratified=True)
    right = found.held.argmax(axis=1) == Y[found.rows]
    assert right.mean() > 0.8
