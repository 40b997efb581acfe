"""Whitened rows have unit covariance, by each of the three ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.algorithms.linear import cholesky_whitened, pca_whitening, spectrum, zca_whitening

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
