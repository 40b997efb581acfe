"""Linear heads on features that stay as they are: logistic and ridge regression."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from fourfold.core.folds import count_folds, make_splits
from fourfold.estimators.supervised import teacher_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model

__all__ = ["fit_head"]

ALPHAS: Final = (1e3, 1e2, 1e1, 1e0, 1e-1)
"""L2 penalties, times the features' mean square: tried in turn while the score rises."""
FOLDS: Final = 3
MOST_ROWS: Final = 2000
"""Rows on which a penalty is chosen."""


def fit_head(
    model: Model, task: Task, data: Data, alpha: float | None, *, keep_features: bool = True
) -> None:
    """Solve the linear head of a model, whose body stays as it is, on labelled rows.

    Classes are learnt by logistic regression, each of several yes/no answers by a logistic
    regression of its own, numbers by ridge regression.

    Parameters
    ----------
    alpha
        L2 penalty: 1/C of the logistic regression, alpha of the ridge regression; None chooses by
        cross-validation on these rows, in units of the features' mean square times the mean weight.
    keep_features
        Whether features are kept, for other fits on the same body.
    """
    x = teacher_outputs(model.body, data.rows).numpy() if keep_features else model.embed(data.rows)
    x, y, w = _in_order(x, data.y.numpy(), data.row_weights)
    if task.linear_loss == "squared":
        columns = zip(y.T, ~np.isnan(y.T), strict=True)
        models = [_ridge(x[on], column[on], w[on], alpha) for column, on in columns]
        weights = np.stack([model.coef_ for model in models])
        biases = np.array([model.intercept_ for model in models])
    elif y.ndim == 2:
        columns = zip(y.T, ~np.isnan(y.T), strict=True)
        answers = [_answer(x[on], column[on], w[on], alpha) for column, on in columns]
        weights = np.stack([weight for weight, _ in answers])
        biases = np.array([bias for _, bias in answers])
    else:
        weights, biases = _logistic(x, y, w, alpha, task.n_outputs)
    model.head.load_state_dict(
        {"weight": torch.as_tensor(weights).float(), "bias": torch.as_tensor(biases).float()}
    )


def _in_order(
    x: NDArray[np.float32], y: NDArray[Any], w: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[np.float32]]:
    """Sort rows along a direction: nothing is drawn by a seed here, so their order must not matter.

    Folds depend on it, and so do the last steps of the solver.
    """
    direction = np.random.default_rng(0).standard_normal(x.shape[1])
    along = np.einsum("nd,d->n", x, direction)
    order = np.lexsort((w, *y.reshape(len(y), -1).T, along))
    return x[order], y[order], w[order]


def _ridge(
    x: NDArray[np.float32], y: NDArray[np.float32], w: NDArray[np.float32], alpha: float | None
) -> Ridge:
    def solved(rows: NDArray[np.intp] | slice, alpha: float) -> Ridge:
        return Ridge(alpha=alpha).fit(x[rows], y[rows], w[rows])

    if alpha is None:
        folds = make_splits(y, FOLDS, 0, stratified=False) if len(x) > FOLDS else []
        scale = _unit(x, w)

        def score(times: float) -> float:
            errors = [
                np.average((solved(a, times * scale).predict(x[b]) - y[b]) ** 2, weights=w[b])
                for a, b in folds
            ]
            return -float(np.mean(errors))

        alpha = scale * (_best(score) if folds else 1.0)
    return solved(slice(None), alpha)


def _logistic(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    w: NDArray[np.float32],
    alpha: float | None,
    k: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (k, d) and biases (k,)."""
    narrow, widen = _narrowed(x)
    alpha = _chosen(narrow, y, w, _unit(x, w)) if alpha is None else alpha
    model = _fitted(narrow, y, w, alpha)
    weights, biases = widen(model.coef_), model.intercept_
    if len(weights) == 1:  # two classes: one row, for the second against the first
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    full, offsets = np.zeros((k, x.shape[1])), np.full(k, -np.inf)
    full[model.classes_.astype(int)], offsets[model.classes_.astype(int)] = weights, biases
    return full, offsets


def _answer(
    x: NDArray[np.float32], y: NDArray[np.float32], w: NDArray[np.float32], alpha: float | None
) -> tuple[NDArray[np.float64], float]:
    """Return weights (d,) and the bias of one yes/no answer, (n,) of 0 and 1.

    Where all known answers are the same, or there are none, the bias alone tells their share, as if
    half a yes and half a no were among them.
    """
    if len(np.unique(y)) < 2:
        yes, no = w[y == 1].sum() + 0.5, w[y == 0].sum() + 0.5
        return np.zeros(x.shape[1]), float(np.log(yes / no))
    weights, biases = _logistic(x, y, w, alpha, 2)
    return weights[1] - weights[0], float(biases[1] - biases[0])


def _narrowed(
    x: NDArray[np.float32],
) -> tuple[NDArray[np.float32], Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Rotate n rows of more than n features into the n directions that they span.

    The best weights lie there, and an L2 penalty is the same. A function that rotates weights back
    is returned, too.
    """
    if x.shape[1] <= len(x):
        return x, lambda weights: weights
    turn, upper = np.linalg.qr(x.T.astype(np.float64))
    return upper.T.astype(np.float32), lambda weights: weights @ turn.T


def _chosen(
    x: NDArray[np.float32], y: NDArray[np.float32], w: NDArray[np.float32], scale: float
) -> float:
    """Return the alpha, in units of scale, with the largest likelihood of held-out labels."""
    n = count_folds(y, FOLDS, stratified=True)
    if not n:  # some fold would lack a class
        return scale
    folds = make_splits(y, n, 0, stratified=True, max_rows=MOST_ROWS)

    def score(times: float) -> float:
        return float(np.mean([_likelihood(x, y, w, a, b, times * scale) for a, b in folds]))

    return scale * _best(score)


def _best(score: Callable[[float], float]) -> float:
    """Return the last alpha before the score stops rising: weak penalties are slow to solve."""
    best, highest = ALPHAS[0], score(ALPHAS[0])
    for times in ALPHAS[1:]:
        reached = score(times)
        if reached <= highest:
            break
        best, highest = times, reached
    return best


def _likelihood(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    w: NDArray[np.float32],
    a: NDArray[np.intp],
    b: NDArray[np.intp],
    alpha: float,
) -> float:
    model = _fitted(x[a], y[a], w[a], alpha)
    p = model.predict_proba(x[b])[np.arange(len(b)), np.searchsorted(model.classes_, y[b])]
    return float(np.average(np.log(p.clip(1e-12)), weights=w[b]))


def _fitted(
    x: NDArray[np.float32], y: NDArray[np.float32], w: NDArray[np.float32], alpha: float
) -> LogisticRegression:
    model = LogisticRegression(C=1 / alpha, max_iter=1000)
    with warnings.catch_warnings():  # few labels, and weak penalties among those that are tried
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y, w)
    return model


def _unit(x: NDArray[np.float32], w: NDArray[np.float32]) -> float:
    """Return the unit of penalties: the features' mean square times the mean weight."""
    square = np.average(np.square(x, dtype=np.float64).mean(axis=1), weights=w)
    return max(float(square * w.mean(dtype=np.float64)), 1e-12)
