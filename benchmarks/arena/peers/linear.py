"""Linear models that start from something: coefficients to be pulled to, scores to be corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.arena.peers.base import folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Line", "fit_line", "loss", "tuned_line"]

PENALTIES: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


class Line(NamedTuple):
    """Scores offset + X·coef + intercept: log-odds, or numbers."""

    coef: Floats
    intercept: float

    def __call__(self, X: Floats, offset: Floats | float = 0.0) -> Floats:
        return np.asarray(X @ self.coef + self.intercept + offset)


def loss(y: Floats, scores: Floats, *, classes: bool) -> float:
    """Return the mean log loss, or the squared error as a share of the variance."""
    if classes:
        return float(np.mean(np.logaddexp(0, scores) - y * scores))
    return float(np.mean((y - scores) ** 2) / y.var())


def fit_line(
    X: Floats,
    y: Floats,
    penalty: float,
    *,
    classes: bool,
    centre: Floats | float = 0.0,
    offset: Floats | float = 0.0,
    weight: Floats | None = None,
) -> Line:
    """Minimize Σ wᵢ·lossᵢ + ½·penalty·‖coef − centre‖²; the intercept is free.

    A row's loss is the log loss, or half the squared error as a share of the variance of y.
    """
    w = np.ones(len(y)) if weight is None else weight
    centre = np.broadcast_to(np.asarray(centre, float), X.shape[1])
    if not classes:
        return _ridge(X, y, penalty * max(float(np.var(y)), 1e-12), centre, offset, w)

    def objective(theta: Floats) -> tuple[float, Floats]:
        z = X @ theta[:-1] + theta[-1] + offset
        gap = theta[:-1] - centre
        error = w * (expit(z) - y)
        value = w @ (np.logaddexp(0, z) - y * z) + penalty / 2 * gap @ gap
        return value, np.append(X.T @ error + penalty * gap, error.sum())

    start = np.append(centre, 0.0)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return Line(found[:-1], float(found[-1]))


def _ridge(X: Floats, y: Floats, penalty: float, centre: Floats, offset: object, w: Floats) -> Line:
    """Solve the least squares for coef − centre; in the rows' space where there are few."""
    rest = y - offset - X @ centre
    total = w.sum()
    means, mean = w @ X / total, w @ rest / total
    root = np.sqrt(w)[:, None]
    A, b = root * (X - means), root[:, 0] * (rest - mean)
    n, d = A.shape
    if n < d:
        step = A.T @ np.linalg.solve(A @ A.T + penalty * np.eye(n), b)
    else:
        step = np.linalg.solve(A.T @ A + penalty * np.eye(d), A.T @ b)
    return Line(centre + step, float(mean - means @ step))


def tuned_line(
    X: Floats,
    y: Floats,
    *,
    classes: bool,
    centre: Floats | float = 0.0,
    offset: Floats | None = None,
    weight: Floats | None = None,
    penalties: tuple[float, ...] = PENALTIES,
) -> float:
    """Return the penalty with the best cross-validation."""
    beside = np.zeros(len(y)) if offset is None else offset
    w = np.ones(len(y)) if weight is None else weight
    parts = folds(y.astype(int) if classes else y, most=3, repeats=1)
    losses = []
    for penalty in penalties:
        scores = np.empty(len(y))
        for train, held in parts:
            line = fit_line(
                *(X[train], y[train], penalty),
                classes=classes, centre=centre, offset=beside[train], weight=w[train],
            )  # fmt: skip
            scores[held] = line(X[held], beside[held])
        losses.append(loss(y, scores, classes=classes))
    return penalties[int(np.argmin(losses))]
