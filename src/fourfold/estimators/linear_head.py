"""Linear heads on features that stay as they are: logistic and ridge regression."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

from fourfold.algorithms.samples import Sample, canonical_order
from fourfold.data.rows import SparseRows
from fourfold.estimators.supervised import teacher_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model

    Floats = NDArray[np.float32]

__all__ = ["fit_head", "usual_penalty"]

ALPHAS: Final = (1e3, 1e2, 1e1, 1e0, 1e-1)
"""L2 penalties, times the features' mean square: tried in turn while the score rises."""
USUAL: Final = 1e2
"""The one that is usual where none is tried."""
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
    x = _features(model, data.rows, keep=keep_features)
    order = canonical_order(x, data.y.numpy(), data.row_weights)
    x, data = x[order], data.at(order)
    y = data.y.numpy()
    if y.ndim == 1:
        rows = Sample(x, y, data.row_weights, data.groups, data.time)
        weights, biases = _logistic(rows, alpha, task.n_outputs)
    else:
        columns = [_sample(x, data, column) for column in y.T]
        solve = _numbers if task.linear_loss == "squared" else _answer
        solved = [solve(column, alpha) for column in columns]
        weights = np.stack([weight for weight, _ in solved])
        biases = np.array([bias for _, bias in solved])
    model.head.load_state_dict(
        {"weight": torch.as_tensor(weights).float(), "bias": torch.as_tensor(biases).float()}
    )


def usual_penalty(x: Floats, weight: Floats) -> float:
    """Return a usual penalty of features (n, d) with weights (n,), one of those that are tried."""
    return USUAL * _unit(Sample(x, weight, weight))


def _features(model: Model, rows: Rows, *, keep: bool) -> Any:
    """Return the features of rows, (n, d); sparse where the body leaves sparse rows as they are."""
    bare = all(isinstance(stage, nn.Identity) for stage in model.body.children())
    if isinstance(rows, SparseRows) and bare:
        return rows.matrix.astype(np.float32)
    return teacher_outputs(model.body, rows).numpy() if keep else model.embed(rows)


def _sample(x: Any, data: Data, y: Floats) -> Sample:
    """Take the rows of data that have this label; NaN where it is missing."""
    return Sample(x, y, data.row_weights, data.groups, data.time).at(~np.isnan(y))


def _unit(rows: Sample) -> float:
    """Return the unit of penalties: the features' mean square times the mean weight."""
    x: Any = rows.x
    if sparse.issparse(x):
        squares = np.asarray(x.multiply(x).mean(axis=1), np.float64).ravel()
    else:
        squares = np.square(x, dtype=np.float64).mean(axis=1)
    mean = np.average(squares, weights=rows.weight) * rows.weight.mean(dtype=np.float64)
    return max(float(mean), 1e-12)


def _folds(
    rows: Sample, *, stratified: bool, max_rows: int | None = None
) -> list[tuple[Sample, Sample]]:
    """Return the rows to learn from and those held out, for each fold."""
    splits = rows.splits(stratified=stratified, max_rows=max_rows)
    return [(rows.at(learnt), rows.at(held)) for learnt, held in splits]


def _numbers(rows: Sample, alpha: float | None) -> tuple[NDArray[np.float64], float]:
    """Return weights (d,) and the bias of the ridge regression to one number."""

    def score(times: float) -> float:
        return -float(np.mean([_error(*fold, times * _unit(rows)) for fold in folds]))

    if alpha is None:
        folds = _folds(rows, stratified=False)
        alpha = _unit(rows) * (_best(score) if folds else 1.0)
    model = Ridge(alpha=alpha).fit(rows.x, rows.y, rows.weight)
    return model.coef_, float(model.intercept_)


def _error(learnt: Sample, held: Sample, alpha: float) -> float:
    """Return the mean squared error on held-out rows."""
    model = Ridge(alpha=alpha).fit(learnt.x, learnt.y, learnt.weight)
    return float(np.average((model.predict(held.x) - held.y) ** 2, weights=held.weight))


def _answer(rows: Sample, alpha: float | None) -> tuple[NDArray[np.float64], float]:
    """Return weights (d,) and the bias of one yes/no answer, (n,) of 0 and 1.

    Where all known answers are the same, or there are none, the bias alone tells their share, as if
    half a yes and half a no were among them.
    """
    if len(np.unique(rows.y)) < 2:
        yes, no = (rows.weight[rows.y == answer].sum() + 0.5 for answer in (1, 0))
        return np.zeros(rows.x.shape[1]), float(np.log(yes / no))
    weights, biases = _logistic(rows, alpha, 2)
    return weights[1] - weights[0], float(biases[1] - biases[0])


def _logistic(
    rows: Sample, alpha: float | None, k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (k, d) and biases (k,)."""
    x, widen = _narrowed(rows.x)
    narrow = rows._replace(x=x)
    alpha = _chosen(narrow, _unit(rows)) if alpha is None else alpha
    model = _fitted(narrow, alpha)
    weights, biases = widen(model.coef_), model.intercept_
    if len(weights) == 1:  # two classes: one row, for the second against the first
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    full, offsets = np.zeros((k, rows.x.shape[1])), np.full(k, -np.inf)
    full[model.classes_.astype(int)], offsets[model.classes_.astype(int)] = weights, biases
    return full, offsets


def _narrowed(x: Any) -> tuple[Any, Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Rotate n dense rows of more than n features into the n directions that they span.

    The best weights lie there, and an L2 penalty is the same. A function that rotates weights back
    is returned, too.
    """
    if sparse.issparse(x) or x.shape[1] <= len(x):
        return x, lambda weights: weights
    turn, upper = np.linalg.qr(x.T.astype(np.float64))
    return upper.T.astype(np.float32), lambda weights: weights @ turn.T


def _chosen(rows: Sample, scale: float) -> float:
    """Return the alpha, in units of scale, with the largest likelihood of held-out labels."""
    folds = _folds(rows, stratified=True, max_rows=MOST_ROWS)

    def score(times: float) -> float:
        return float(np.mean([_likelihood(*fold, times * scale) for fold in folds]))

    return scale * (_best(score) if folds else 1.0)


def _best(score: Callable[[float], float]) -> float:
    """Return the last alpha before the score stops rising: weak penalties are slow to solve."""
    best, highest = ALPHAS[0], score(ALPHAS[0])
    for times in ALPHAS[1:]:
        reached = score(times)
        if reached <= highest:
            break
        best, highest = times, reached
    return best


def _likelihood(learnt: Sample, held: Sample, alpha: float) -> float:
    """Return the mean log-likelihood of held-out labels."""
    model = _fitted(learnt, alpha)
    held = held.at(np.isin(held.y, model.classes_))  # a class may have come later
    if not len(held.y):
        return 0.0
    own = np.searchsorted(model.classes_, held.y)
    p = model.predict_proba(held.x)[np.arange(len(own)), own]
    return float(np.average(np.log(p.clip(1e-12)), weights=held.weight))


def _fitted(rows: Sample, alpha: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / alpha, max_iter=1000)
    with warnings.catch_warnings():  # few labels, and weak penalties among those that are tried
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        # some processors flag products of small finite float32 matrices as invalid
        warnings.filterwarnings("ignore", "invalid value encountered in matmul", RuntimeWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows.x, rows.y, rows.weight)
    return model
