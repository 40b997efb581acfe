"""Lines beside scores that are there already: ridge and logistic regression with an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit

from fourfold.algorithms.linear import Affine, ridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.goal import Goal
    from fourfold.algorithms.samples import Sample
    from fourfold.data.rows import Index

    Folds = list[tuple[Index, Index]]
    Floats = NDArray[np.float64]

__all__ = ["choose_alpha", "fit_line"]

ALPHAS: Final = (1e3, 3e2, 1e2, 3e1, 1e1, 3.0, 1.0, 0.3)
"""L2 penalties for standardized features and mean weight 1, of which one is chosen."""
MOST_ROWS: Final = 3000
"""Rows on which it is chosen."""
BIAS: Final = 1e-2
"""Penalty on intercepts of classes, so that one without rows stays finite."""
STEPS: Final = 300
"""Steps of a solver, at most."""
TINY: Final = 1e-8
"""Least curvature, and least size of a step."""
CLOSE: Final = 1e-9
"""Share of the objective by which a step must lower it."""


def fit_line(rows: Sample, goal: Goal, alpha: float, offset: Floats | None = None) -> Affine:
    """Minimize Σ w·loss(offset + x W + b) + ½ α ‖W‖², with a free b.

    The loss is the log loss of classes or answers, or half the squared error.

    Parameters
    ----------
    rows
        n features with labels; only rows whose label is known count for a column.
    goal
        Kind and number of the labels.
    alpha
        L2 penalty, over 0.
    offset
        (n, columns) scores that are there already; None for 0.
    """
    x = rows.x.astype(np.float64)
    weight = rows.weight.astype(np.float64)
    given = np.zeros((len(x), goal.columns)) if offset is None else offset
    if not goal.apart:
        return _joint(x, rows.y, weight, given, alpha, goal)
    columns = []
    for at in range(goal.columns):
        y = goal.column(rows.y, at)
        on = ~np.isnan(y)
        part = (x[on], y[on], weight[on], given[on, at], alpha)
        columns.append(_numbers(*part) if goal.kind == "numbers" else _answers(*part))
    weights, biases = zip(*columns, strict=True)
    return Affine(np.stack(weights, axis=1), np.array(biases))


def choose_alpha(rows: Sample, goal: Goal, offset: Floats | None = None) -> float:
    """Return the penalty with the least loss of held-out rows; the middle one where none can be.

    Beside an offset it is the strongest one whose loss is within a standard error of the least: few
    labels move little.
    """
    given = np.zeros((len(rows.y), goal.columns)) if offset is None else offset
    free = rows.groups is None and rows.time is None
    if goal.kind == "numbers" and free and 2 < len(rows.y) <= MOST_ROWS:
        tried = _left_out(rows, goal, given)
    else:
        folds = rows.splits(stratified=goal.kind == "classes", max_rows=MOST_ROWS)
        if not folds:
            return ALPHAS[0 if offset is not None else len(ALPHAS) // 2]
        tried = np.stack([_held_out(rows, goal, given, folds, alpha) for alpha in ALPHAS])
    means = np.nanmean(tried, axis=1)
    least = int(means.argmin())
    if offset is None:
        return ALPHAS[least]
    gaps = tried - tried[least]
    errors = np.nanstd(gaps, axis=1) / np.sqrt(gaps.shape[1])
    return ALPHAS[int((means - means[least] <= errors).argmax())]


def _held_out(rows: Sample, goal: Goal, given: Floats, folds: Folds, alpha: float) -> Floats:
    """Return the losses of held-out rows, (m,)."""
    found = []
    for learnt, held in folds:
        line = fit_line(rows.at(learnt), goal, alpha, given[learnt])
        scores = given[held] + rows.x[held] @ line.weight + line.bias
        found.append(rows.weight[held] * goal.losses(scores, rows.y[held]))
    return np.concatenate(found)


def _left_out(rows: Sample, goal: Goal, given: Floats) -> Floats:
    """Return the squared errors of ridge regressions on rows that are left out, (alphas, m).

    They are exact, and come from one decomposition: residuals over one less the leverages.
    """
    parts = []
    for at in range(goal.columns):
        rest = goal.column(rows.y, at) - given[:, at]
        on = ~np.isnan(rest)
        x, w = rows.x[on].astype(np.float64), rows.weight[on].astype(np.float64)
        root = np.sqrt(w)[:, None]
        mean = w @ x / w.sum()
        left, size, _ = np.linalg.svd(root * (x - mean), full_matrices=False)
        y = root[:, 0] * (rest[on] - w @ rest[on] / w.sum())
        inner = left.T @ y
        errors = np.full((len(ALPHAS), len(rest)), np.nan)
        for place, alpha in enumerate(ALPHAS):
            shrunk = size**2 / (size**2 + alpha)
            leverage = left**2 @ shrunk + w / w.sum()
            residual = y - left @ (shrunk * inner)
            errors[place, on] = (residual / np.maximum(1 - leverage, 1e-9)) ** 2
        parts.append(errors)
    return np.asarray(np.nanmean(parts, axis=0))


def _numbers(x: Floats, y: Floats, w: Floats, offset: Floats, alpha: float) -> tuple[Floats, float]:
    """Return weights (d,) and the intercept of a ridge regression to the labels less the offset."""
    if not len(y):
        return np.zeros(x.shape[1]), 0.0
    found = ridge(x, (y - offset)[:, None], alpha, w)
    return found.weight[:, 0], float(found.bias[0])


def _answers(x: Floats, y: Floats, w: Floats, offset: Floats, alpha: float) -> tuple[Floats, float]:
    """Return weights (d,) and the intercept of a logistic regression with an offset.

    Half a yes and half a no stand beside the answers, so that the intercept is finite.
    """
    if len(np.unique(y)) < 2:
        yes, no = (w[y == answer].sum() + 0.5 for answer in (1, 0))
        usual = float(offset @ w / w.sum()) if len(y) else 0.0
        return np.zeros(x.shape[1]), float(np.log(yes / no)) - usual
    wide = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], alpha), 0.0)
    theta = _newton(wide, y, w, offset, penalty)
    return theta[:-1], float(theta[-1])


def _newton(x: Floats, y: Floats, w: Floats, offset: Floats, penalty: Floats) -> Floats:
    """Minimize the log loss of offset + x θ plus ½ Σ penalty·θ² by Newton's method, (d,).

    Of n rows of more than n features the step is solved in the space of the rows.
    """
    theta, n, d = np.zeros(x.shape[1]), *x.shape

    def value(theta: Floats) -> float:
        z = offset + x @ theta
        return float(w @ (np.logaddexp(0, z) - y * z) + penalty / 2 @ theta**2)

    now = value(theta)
    for _ in range(STEPS):
        p = expit(offset + x @ theta)
        slope = x.T @ (w * (p - y)) + penalty * theta
        curve = np.maximum(w * p * (1 - p), TINY)
        damped = np.maximum(penalty, TINY)
        if n < d:  # Woodbury: the inverse of D + XᵀCX by that of C⁻¹ + XD⁻¹Xᵀ
            scaled = x / damped
            inner = np.diag(1 / curve) + scaled @ x.T
            step = slope / damped - scaled.T @ cho_solve(cho_factor(inner), scaled @ slope)
        else:
            step = cho_solve(cho_factor((x.T * curve) @ x + np.diag(damped)), slope)
        size = 1.0
        while (new := value(theta - size * step)) > now and size > TINY:
            size /= 2
        if new > now - CLOSE * max(abs(now), 1.0):
            break
        theta, now = theta - size * step, new
    return theta


def _joint(
    x: Floats, y: NDArray[Any], w: Floats, offset: Floats, alpha: float, goal: Goal
) -> Affine:
    """Return a softmax regression with an offset."""
    d, k = x.shape[1], goal.columns

    def loss(theta: Floats) -> tuple[float, Floats]:
        weight, bias = theta[: d * k].reshape(d, k), theta[d * k :]
        scores = offset + x @ weight + bias
        losses, slopes = goal.losses_and_slopes(scores, y)
        error = w[:, None] * slopes
        value = w @ losses + alpha / 2 * float((weight**2).sum())
        value += BIAS / 2 * float(bias @ bias)
        slope = np.append((x.T @ error + alpha * weight).ravel(), error.sum(axis=0) + BIAS * bias)
        return float(value), slope

    theta = _least(loss, np.zeros((d + 1) * k))
    return Affine(theta[: d * k].reshape(d, k), theta[d * k :])


def _least(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x)
