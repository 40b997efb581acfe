"""Linear maps in closed form: ridge regression, canonical correlations and whitening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import scipy.linalg
import torch
from sklearn.linear_model import Ridge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Matrix = NDArray[np.float64]

__all__ = [
    "Affine",
    "canonical_correlations",
    "cholesky_whitened",
    "pca_whitening",
    "ridge",
    "ridge_path",
    "spectrum",
    "zca_whitening",
]

NOTHING: Final = 1e-10
"""Directions below this fraction of the largest variance count as zero."""


class Affine(NamedTuple):
    """A map x → x W + b, with a weight W (d, e) and a bias b (e,)."""

    weight: Matrix
    bias: Matrix

    @classmethod
    def centred(cls, mean: Matrix, weight: Matrix, bias: Matrix | float = 0.0) -> Affine:
        """Return x → (x − mean) W + bias."""
        return cls(weight, np.asarray(bias - mean @ weight))

    @classmethod
    def linear(cls, weight: Matrix) -> Affine:
        """Return x → x W."""
        return cls(weight, np.zeros(weight.shape[1]))

    def apply(self, x: NDArray[Any]) -> Matrix:
        """Map rows (n, d), or a sparse matrix of them, to (n, e)."""
        return np.asarray(x @ self.weight + self.bias)

    def then(self, other: Affine) -> Affine:
        """Return the map that applies another one to the outputs of this one."""
        return Affine(self.weight @ other.weight, self.bias @ other.weight + other.bias)

    def padded(self, size: int) -> Affine:
        """Return the same map with zeros as further outputs, up to a number of outputs."""
        more = size - len(self.bias)
        return Affine(np.pad(self.weight, ((0, 0), (0, more))), np.pad(self.bias, (0, more)))


def ridge(
    X: NDArray[Any], Y: NDArray[Any], alpha: float, weight: NDArray[Any] | None = None
) -> Affine:
    """Return the map from X (n, d) to Y (n, e) that minimizes Σ w ‖x W + b − y‖² + α ‖W‖², α > 0.

    Weights w are (n,), 1 by default.
    """
    model = Ridge(alpha, solver="cholesky")  # of the smaller side, XᵀX or XXᵀ
    model.fit(np.asarray(X, np.float64), np.asarray(Y, np.float64), weight)
    weight = np.ascontiguousarray(model.coef_.reshape(-1, X.shape[1]).T)
    return Affine(weight, model.intercept_.reshape(-1))


def ridge_path(
    X: NDArray[Any], Y: NDArray[Any], alphas: Sequence[float], weight: NDArray[Any] | None = None
) -> list[Affine]:
    """Return :func:`ridge` for each α, from one eigendecomposition."""
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    mean_x, mean_y = (np.average(part, axis=0, weights=weight) for part in (X, Y))
    root = 1.0 if weight is None else np.sqrt(weight)[:, None]
    X, Y = root * (X - mean_x), root * (Y - mean_y)
    values, vectors = spectrum(X)
    turned = vectors.T @ (X.T @ Y)  # (r, e)
    return [
        Affine.centred(mean_x, vectors @ (turned / (values + alpha)[:, None]), mean_y)
        for alpha in alphas
    ]


def canonical_correlations(
    X: NDArray[Any], Y: NDArray[Any], n_components: int, alpha: float = 0.0
) -> tuple[Affine, Affine, Matrix]:
    """Return the maps f and g of unit covariance that minimize Σ‖f(x) − g(y)‖².

    Their coordinates are uncorrelated, but for the pairs f_i and g_i, which are correlated as much
    as possible (canonical correlation analysis).

    Parameters
    ----------
    X, Y, n_components
        (n, d) and (n, m), two views of the same n things, and the largest number of coordinates;
        there are no more than directions in which both views vary.
    alpha
        Added to each view's covariance, as a fraction of its average variance, against chance
        correlations of few rows in many dimensions; variances of f and g are then below 1.

    Returns
    -------
    tuple
        f, g and the correlations (e,), the largest first.

    References
    ----------
    Hotelling, Relations Between Two Sets of Variates, Biometrika 1936.
    """
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
    white_x, white_y = (pca_whitening(part, alpha) for part in (X - mean_x, Y - mean_y))
    cross = ((X - mean_x) @ white_x).T @ ((Y - mean_y) @ white_y) / len(X)
    left, correlations, right = np.linalg.svd(cross, full_matrices=False)
    f = Affine.centred(mean_x, white_x @ left[:, :n_components])
    g = Affine.centred(mean_y, white_y @ right[:n_components].T)
    return f, g, correlations[:n_components]


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
    """Return the PCA whitening matrix W (d, r) of centred rows (n, d): x W has unit covariance.

    α is added to each variance, as a fraction of the average; variances of x W are then below 1.
    """
    values, vectors = spectrum(centred)
    variances = values / len(centred)
    variances = variances + alpha * variances.sum() / centred.shape[1]
    whitening: Matrix = vectors / np.sqrt(variances)
    return whitening


def zca_whitening(x: Tensor, noise: float) -> Tensor:
    """Return the ZCA whitening matrix W (d, d) of rows (n, d), symmetric: x W resembles x.

    Second moments are taken about zero; noise is added to the variance of each direction.
    """
    values, vectors = torch.linalg.eigh((x.T @ x / len(x)).double())
    scaled = vectors * (values.clamp(min=0) + noise).rsqrt()
    whitening: Tensor = (scaled @ vectors.T).float()
    return whitening


def cholesky_whitened(centred: Tensor, alpha: float, tiny: float = 1e-6) -> Tensor:
    """Return centred rows (B, d) with about unit covariance, by a differentiable Cholesky factor.

    α, as a fraction of the average variance, and a tiny number are added to each variance.
    """
    covariance = centred.T @ centred / len(centred)
    added = alpha * covariance.diagonal().mean() + tiny
    root = torch.linalg.cholesky(covariance + added * torch.eye(len(covariance)).to(centred))
    whitened: Tensor = torch.linalg.solve_triangular(root, centred.T, upper=False)
    return whitened.T
