"""Whitening: linear maps to uncorrelated coordinates of variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy.linalg
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Matrix = NDArray[np.float64]

__all__ = ["cholesky_whitened", "pca_whitening", "spectrum", "zca_whitening"]

NOTHING: Final = 1e-10
"""Directions below this fraction of the largest variance count as zero."""


def spectrum(X: NDArray[Any]) -> tuple[Matrix, Matrix]:
    """Return the nonzero eigenvalues (r,) of XᵀX and their eigenvectors (d, r).

    Of X (n, d) the Gram matrix of the smaller side is decomposed, at a cost of min(n, d)³.
    """
    X = np.asarray(X, np.float64)
    n, d = X.shape
    values, vectors = scipy.linalg.eigh(X @ X.T if n < d else X.T @ X, check_finite=False)
    kept = values > NOTHING * max(values[-1], 0.0)
    values, vectors = values[kept], vectors[:, kept]
    return values, X.T @ vectors / np.sqrt(values) if n < d else vectors


def pca_whitening(centred: Matrix, alpha: float) -> Matrix:
    """Return the PCA whitening matrix W (d, r) of centred rows: x W has unit covariance.

    Parameters
    ----------
    centred
        (n, d) rows of mean zero.
    alpha
        Added to each variance, as a fraction of the average; variances of x W are then below 1.
    """
    values, vectors = spectrum(centred)
    variances = values / len(centred)
    variances = variances + alpha * variances.sum() / centred.shape[1]
    whitening: Matrix = vectors / np.sqrt(variances)
    return whitening


def zca_whitening(x: Tensor, noise: float) -> Tensor:
    """Return the ZCA whitening matrix W (d, d) of rows (n, d), symmetric: x W resembles x.

    Parameters
    ----------
    x
        (n, d) rows; second moments are taken about zero.
    noise
        Added to the variance of each direction.
    """
    values, vectors = torch.linalg.eigh((x.T @ x / len(x)).double())
    scaled = vectors * (values.clamp(min=0) + noise).rsqrt()
    whitening: Tensor = (scaled @ vectors.T).float()
    return whitening


def cholesky_whitened(centred: Tensor, alpha: float, tiny: float = 1e-6) -> Tensor:
    """Return centred rows (B, d) with about unit covariance, by a differentiable Cholesky factor.

    Parameters
    ----------
    centred
        (B, d) rows of mean zero.
    alpha
        Added to each variance, as a fraction of the average variance.
    tiny
        Added to each variance.
    """
    covariance = centred.T @ centred / len(centred)
    added = alpha * covariance.diagonal().mean() + tiny
    root = torch.linalg.cholesky(covariance + added * torch.eye(len(covariance)).to(centred))
    whitened: Tensor = torch.linalg.solve_triangular(root, centred.T, upper=False)
    return whitened.T
