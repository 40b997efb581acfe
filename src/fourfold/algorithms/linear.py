"""Linear maps in closed form: ridge regression, canonical correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["Affine", "amid", "canonical", "ridge", "ridges", "spectrum"]

NOTHING: Final = 1e-10
"""Directions with less than this share of the largest variance are none."""


class Affine(NamedTuple):
    """A map x → x W + b.

    Attributes
    ----------
    weight, bias
        W (d, e) and b (e,).
    """

    weight: Matrix
    bias: Matrix

    @classmethod
    def about(cls, mean: Matrix, weight: Matrix, bias: Matrix | float = 0.0) -> Affine:
        """Return x → (x − mean) W + bias."""
        return cls(weight, np.asarray(bias - mean @ weight))

    def wide(self, size: int) -> Affine:
        """Return the same map with so many outputs, zeros at the end."""
        more = size - len(self.bias)
        return Affine(np.pad(self.weight, ((0, 0), (0, more))), np.pad(self.bias, (0, more)))


def spectrum(X: NDArray[Any]) -> tuple[Matrix, Matrix]:
    """Return eigenvalues (r,) and eigenvectors (d, r) of XᵀX, but for those without weight.

    Of X (n, d) the smaller side is decomposed, so it costs min(n, d)³; for everything that XᵀX
    does to what lies in the span of X's rows these eigenvectors are enough.
    """
    X = np.asarray(X, np.float64)
    n, d = X.shape
    values, vectors = scipy.linalg.eigh(X @ X.T if n < d else X.T @ X, check_finite=False)
    kept = values > NOTHING * max(values[-1], 0.0)
    values, vectors = values[kept], vectors[:, kept]
    return values, X.T @ vectors / np.sqrt(values) if n < d else vectors


def ridge(X: NDArray[Any], Y: NDArray[Any], strength: float) -> Affine:
    """Return the map that minimizes Σ‖x W + b − y‖² + strength ‖W‖².

    Parameters
    ----------
    X, Y
        (n, d) and (n, e).
    strength
        Above 0; b is not penalized.
    """
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
    X, Y = X - mean_x, Y - mean_y
    n, d = X.shape
    gram = X @ X.T if n < d else X.T @ X
    gram[np.diag_indices_from(gram)] += strength
    if n < d:
        weight = X.T @ scipy.linalg.solve(gram, Y, assume_a="pos")
    else:
        weight = scipy.linalg.solve(gram, X.T @ Y, assume_a="pos")
    return Affine.about(mean_x, weight, mean_y)


def ridges(X: NDArray[Any], Y: NDArray[Any], strengths: Sequence[float]) -> list[Affine]:
    """Return :func:`ridge` of each strength, from one eigendecomposition."""
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64)
    mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
    X, Y = X - mean_x, Y - mean_y
    values, vectors = spectrum(X)
    turned = vectors.T @ (X.T @ Y)  # (r, e)
    return [
        Affine.about(mean_x, vectors @ (turned / (values + strength)[:, None]), mean_y)
        for strength in strengths
    ]


def amid(rates: Matrix) -> tuple[int, ...]:
    """Return the place on a grid amid all that are about as good as the best.

    That is within a standard error: of few held-out classes, the very best is so by luck.

    Parameters
    ----------
    rates
        (times, ...) what each place of the grid reached each time.
    """
    mean = rates.mean(axis=0)
    best = np.unravel_index(mean.argmax(), mean.shape)
    error = rates[:, *best].std() / np.sqrt(len(rates))
    good = np.argwhere(mean >= mean.max() - error)
    place = good[((good - good.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return tuple(place.tolist())


def canonical(
    X: NDArray[Any], Y: NDArray[Any], size: int, strength: float = 0.0
) -> tuple[Affine, Affine, Matrix]:
    """Return the maps f and g of unit covariance that minimize Σ‖f(x) − g(y)‖².

    That is canonical correlation analysis: f and g are uncorrelated coordinates of variance 1, each
    pair correlated as much as can be.

    Parameters
    ----------
    X, Y
        (n, d) and (n, m), row by row the two views of one thing.
    size
        How many coordinates at most; there are no more than directions in which both vary.
    strength
        Added to each view's covariance, as a share of its average variance: what keeps few rows in
        many dimensions from correlating by chance. With it, f and g have variances below 1.

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
    white_x, white_y = (_whitening(part, strength) for part in (X - mean_x, Y - mean_y))
    cross = ((X - mean_x) @ white_x).T @ ((Y - mean_y) @ white_y) / len(X)
    left, correlations, right = np.linalg.svd(cross, full_matrices=False)
    f = Affine.about(mean_x, white_x @ left[:, :size])
    g = Affine.about(mean_y, white_y @ right[:size].T)
    return f, g, correlations[:size]


def _whitening(centred: Matrix, strength: float) -> Matrix:
    """Return W (d, r) for which the covariance of x W, but for the strength, is the identity."""
    values, vectors = spectrum(centred)
    variances = values / len(centred)
    variances = variances + strength * variances.sum() / centred.shape[1]
    whitening: Matrix = vectors / np.sqrt(variances)
    return whitening
