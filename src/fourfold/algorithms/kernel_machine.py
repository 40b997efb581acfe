"""Least-squares support vector machine with a Gaussian kernel, solved in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample

    Floats = NDArray[np.float64]
    Index = NDArray[np.intp]

__all__ = ["KernelMachine", "fit_machine", "solve"]

ALPHAS: Final = (1e-3, 1e-2, 1e-1, 1e0, 1e1)
"""L2 penalties that are tried; the kernel of a row with itself is 1."""
WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Values of gamma that are tried, times 1 over the median squared distance."""
MOST_ROWS: Final = 600
"""Rows on which both are chosen, and of which the median is."""


@final
class KernelMachine(NamedTuple):
    """The function f(x) = Σᵢ cᵢ exp(−γ‖x − xᵢ‖²) + b.

    Attributes
    ----------
    coefficients, bias
        (n, k) c and (k,) b.
    alpha, gamma
        L2 penalty and γ.
    held, rows
        (m, k) values of the rows that were held out for this choice, and their positions (m,).
    """

    coefficients: Floats
    bias: Floats
    alpha: float
    gamma: float
    held: Floats
    rows: Index


def fit_machine(
    sample: Sample,
    wanted: Floats,
    *,
    stratified: bool,
    alpha: float | Sequence[float] | None = None,
    gamma: float | None = None,
) -> KernelMachine:
    """Fit wanted values (n, k), with alpha and gamma of the least cross-validated squared error.

    One alpha is kept, of several the best is chosen; None tries the usual ones.

    References
    ----------
    Suykens & Vandewalle, Least Squares Support Vector Machine Classifiers, Neural Processing
    Letters 1999.
    """
    apart, weight = _squared_distances(sample.x), sample.weight.astype(np.float64)
    weight /= weight.mean()
    alphas = ALPHAS if alpha is None else tuple(np.atleast_1d(alpha).tolist())
    gammas = _gammas(apart) if gamma is None else (gamma,)
    folds = sample.splits(stratified=stratified, max_rows=MOST_ROWS)
    rows = np.concatenate([held for _, held in folds]) if folds else np.empty(0, np.intp)
    best, held = (alphas[len(alphas) // 2], gammas[len(gammas) // 2]), wanted[rows]
    least = np.inf
    for width in gammas if folds else ():
        values = np.concatenate(
            [_held_out(apart, wanted, weight, *fold, alphas, width) for fold in folds], axis=1
        )
        for penalty, found in zip(alphas, values, strict=True):
            error = float(
                np.average(((found - wanted[rows]) ** 2).sum(axis=1), weights=weight[rows])
            )
            if error < least:
                least, best, held = error, (penalty, width), found
    solved = solve(np.exp(-best[1] * apart), wanted, weight, best[0])
    return KernelMachine(*solved, *best, held, rows)


def solve(kernel: Floats, wanted: Floats, weight: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Solve (K + αW⁻¹)c + b = y, where Σᵢ cᵢ = 0.

    Parameters
    ----------
    kernel
        (n, n).
    wanted
        (n, k) y.
    weight
        (n,) diagonal of W.
    alpha
        L2 penalty.

    Returns
    -------
    tuple of ndarray
        Coefficients (n, k) and biases (k,).
    """
    factor = cho_factor(kernel + np.diag(alpha / weight), overwrite_a=True, check_finite=False)
    both = cho_solve(factor, np.column_stack([wanted, np.ones(len(wanted))]), check_finite=False)
    free, ones = both[:, :-1], both[:, -1]
    bias = free.sum(axis=0) / ones.sum()
    return free - np.outer(ones, bias), bias


def _held_out(
    apart: Floats,
    wanted: Floats,
    weight: Floats,
    learnt: Index,
    held: Index,
    alphas: tuple[float, ...],
    gamma: float,
) -> Floats:
    """Return the values of held-out rows for each penalty, (penalties, m, k)."""
    kernel, across = (np.exp(-gamma * apart[np.ix_(rows, learnt)]) for rows in (learnt, held))
    solved = [solve(kernel, wanted[learnt], weight[learnt], alpha) for alpha in alphas]
    return np.stack([across @ coefficients + bias for coefficients, bias in solved])


def _squared_distances(x: NDArray[Any]) -> Floats:
    """Return squared distances of rows (n, d), which may be small beside their norms."""
    x = x - x.mean(axis=0, dtype=np.float64)
    products = x @ x.T
    squares = np.diag(products)
    apart = np.maximum(squares[:, None] + squares - 2 * products, 0.0)
    np.fill_diagonal(apart, 0.0)
    return np.asarray(apart, np.float64)


def _gammas(apart: Floats) -> tuple[float, ...]:
    """Return the values of gamma to try."""
    few = np.random.default_rng(0).permutation(len(apart))[:MOST_ROWS]
    some = apart[np.ix_(few, few)]
    unit = float(np.median(some[some > 0])) if some.any() else 1.0
    return tuple(times / unit for times in WIDTHS)
