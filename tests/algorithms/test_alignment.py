"""Alignment of rows: covariances, subspaces and masses are those of the papers."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from scipy import sparse

from fourfold.algorithms.alignment import common_axes, moved, recolouring, standards, subspaces

RNG = np.random.default_rng(0)
MIX, OTHER = (RNG.normal(size=(4, 4)) for _ in range(2))
SOURCE, TARGET = RNG.normal(size=(400, 4)) @ MIX, RNG.normal(size=(300, 4)) @ OTHER


def test_standards_are_mean_zero_and_spread_one_and_constants_are_zero():
    x = np.column_stack([3 * SOURCE + 7, np.full(400, 5.0)])
    found = standards(x).apply(x)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), [1, 1, 1, 1, 0], atol=1e-12)


def test_a_recoloured_source_has_the_targets_covariance():
    moved_rows = (SOURCE - SOURCE.mean(axis=0)) @ recolouring(SOURCE, TARGET, 0.0)
    np.testing.assert_allclose(
        np.cov(moved_rows, rowvar=False), np.cov(TARGET, rowvar=False), atol=1e-8
    )


def test_subspaces_of_all_the_variance_agree_on_inner_products():
    """With all axes P_s P_sᵀ P_t is P_t: the source is only turned, as the target is."""
    own, theirs = subspaces(SOURCE, TARGET, 1.0)
    np.testing.assert_allclose(own, theirs, atol=1e-10)
    np.testing.assert_allclose(theirs.T @ theirs, np.eye(4), atol=1e-10)


def test_few_axes_hold_most_of_the_variance():
    narrow = SOURCE @ np.diag([9, 5, 0.01, 0.01])
    own, theirs = subspaces(narrow, narrow, 0.95)
    assert own.shape[1] <= 2
    np.testing.assert_allclose(own, theirs, atol=1e-10)


def test_masses_move_by_the_entropic_plan():
    found = moved(SOURCE, None, TARGET, 0.05, 0.0)
    cost = ot.dist(SOURCE, TARGET)
    plan = ot.sinkhorn(ot.unif(400), ot.unif(300), cost / cost.max(), 0.05, numItermax=5000)
    np.testing.assert_allclose(found, plan @ TARGET / plan.sum(1, keepdims=True), atol=1e-4)
    assert abs(found.mean() - TARGET.mean()) < 0.05


def test_rows_of_one_class_go_together():
    """Two groups of equal cost: with classes, no target row takes from both."""
    source = np.array([[0.0, 1], [0, -1], [0, 1.1], [0, -1.1]]).repeat(10, 0)
    y = np.array([0, 1, 0, 1]).repeat(10)
    source = source + 0.05 * RNG.normal(size=source.shape)
    target = source @ np.array([[0.0, 1], [-1, 0]]) + 0.05 * RNG.normal(size=source.shape)
    target += np.array([0.0, 0.3])
    with_classes = moved(source, y, target, 0.1, 1.0)
    spread = [moved(source, None, target, 0.1, 0.0)[y == k].mean(0) for k in (0, 1)]
    apart = [with_classes[y == k].mean(0) for k in (0, 1)]
    assert np.linalg.norm(apart[0] - apart[1]) > np.linalg.norm(spread[0] - spread[1])


def test_large_domains_move_as_their_nearest_drawn_rows():
    many = np.vstack([SOURCE] * 3) + 0.01 * RNG.normal(size=(1200, 4))
    found = moved(many, None, TARGET, 0.05, 0.0)
    assert found.shape == many.shape
    assert np.isfinite(found).all()
    assert np.abs(found.mean(0) - TARGET.mean(0)).max() < 0.2


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_wide_rows_have_common_axes(kind):
    wide = RNG.normal(size=(150, 3)) @ RNG.normal(size=(3, 500))
    axes = common_axes(kind(wide[:80]), kind(wide[80:]))
    assert axes.shape == (500, 100)
    np.testing.assert_allclose(wide @ axes @ axes.T, wide, atol=1e-6)
    assert common_axes(kind(wide[:80, :150]), kind(wide[80:, :150])) is None
