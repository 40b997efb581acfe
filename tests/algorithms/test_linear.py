"""Linear maps are least squares; whitened rows have unit covariance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import Ridge

from fourfold.algorithms.linear import (
    Affine,
    canonical_correlations,
    cholesky_whitened,
    pca_whitening,
    ridge,
    ridge_path,
    spectrum,
    zca_whitening,
)
from two_views import views


@pytest.mark.parametrize("rows", [5, 50])
def test_ridge_is_scikit_learns(rows):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(rows, 20)), rng.normal(size=(rows, 3))
    found, wanted = ridge(X, Y, 2.5), Ridge(alpha=2.5).fit(X, Y)
    np.testing.assert_allclose(found.weight.T, wanted.coef_, atol=1e-8)
    np.testing.assert_allclose(found.bias, wanted.intercept_, atol=1e-8)


def test_a_path_is_of_single_ridges():
    rng = np.random.default_rng(0)
    for rows in (5, 50):
        X, Y = rng.normal(size=(rows, 20)), rng.normal(size=(rows, 3))
        for alpha, found in zip((0.1, 30.0), ridge_path(X, Y, (0.1, 30.0)), strict=True):
            wanted = ridge(X, Y, alpha)
            np.testing.assert_allclose(found.weight, wanted.weight, atol=1e-8)
            np.testing.assert_allclose(found.bias, wanted.bias, atol=1e-8)


# --- canonical correlations ----------------------------------------------------------------------


def test_cca_has_unit_covariance_and_scikit_learns_correlations():
    X, Y = views()
    f, g, correlations = canonical_correlations(X, Y, 3)
    a, b = (part @ one.weight + one.bias for part, one in ((X, f), (Y, g)))
    for placed in (a, b):
        np.testing.assert_allclose(placed.mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(placed.T @ placed / 300, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(a.T @ b / 300, np.diag(correlations), atol=1e-9)
    u, v = CCA(3, max_iter=5000, tol=1e-12).fit_transform(X, Y)
    wanted = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(correlations, wanted, atol=1e-6)


def test_of_all_of_unit_covariance_cca_lies_closest():
    X, Y = views()
    f, g, correlations = canonical_correlations(X, Y, 2)
    a, b = (part @ one.weight + one.bias for part, one in ((X, f), (Y, g)))
    best = ((a - b) ** 2).sum(1).mean()
    assert best == pytest.approx(2 * (2 - correlations.sum()))
    rng = np.random.default_rng(1)
    for _ in range(50):
        turn, _ = np.linalg.qr(rng.normal(size=(2, 2)))
        assert ((a @ turn - b) ** 2).sum(1).mean() >= best - 1e-9


def test_few_rows_in_many_dimensions_stay_finite():
    rng = np.random.default_rng(0)
    f, _, correlations = canonical_correlations(rng.normal(size=(5, 40)), np.eye(5)[:, :2], 2, 0.1)
    assert np.isfinite(f.weight).all()
    assert (correlations < 1).all()


def test_a_map_is_padded_with_zeros():
    padded = Affine(np.ones((3, 2)), np.ones(2)).padded(4)
    assert padded.weight.tolist() == [[1, 1, 0, 0]] * 3
    assert padded.bias.tolist() == [1, 1, 0, 0]


RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6)) @ RNG.normal(size=(6, 6))
X -= X.mean(axis=0)


def covariance(rows):
    return rows.T @ rows / len(rows)


@pytest.mark.parametrize("shape", [(200, 6), (6, 40)])
def test_the_spectrum_rebuilds_the_gram_matrix(shape):
    rows = RNG.normal(size=shape)
    values, vectors = spectrum(rows)
    np.testing.assert_allclose((vectors * values) @ vectors.T, rows.T @ rows, atol=1e-8)
    assert len(values) == min(shape)


def test_pca_and_cholesky_give_unit_covariance():
    np.testing.assert_allclose(covariance(X @ pca_whitening(X, 0.0)), np.eye(6), atol=1e-9)
    whitened = cholesky_whitened(torch.from_numpy(X), 0.0, tiny=0.0)
    np.testing.assert_allclose(covariance(whitened.numpy()), np.eye(6), atol=1e-9)


def test_zca_is_symmetric_and_gives_unit_covariance():
    whitening = zca_whitening(torch.from_numpy(X), 0.0)
    np.testing.assert_allclose(whitening, whitening.T, atol=1e-6)
    np.testing.assert_allclose(covariance(X @ whitening.numpy()), np.eye(6), atol=1e-4)


def test_added_variance_shrinks_what_is_left():
    for rows in (X @ pca_whitening(X, 0.5), cholesky_whitened(torch.from_numpy(X), 0.5).numpy()):
        assert (np.linalg.eigvalsh(covariance(rows)) < 1).all()


def test_constant_directions_are_left_out_or_stay_finite():
    flat = np.column_stack([X, np.zeros(200)])
    assert pca_whitening(flat, 0.0).shape == (7, 6)
    assert torch.isfinite(cholesky_whitened(torch.from_numpy(flat), 0.0)).all()
    assert torch.isfinite(zca_whitening(torch.from_numpy(flat), 0.1)).all()
