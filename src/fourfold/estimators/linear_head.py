"""Linear heads: the closed form on features that stay as they are, or a linear probe."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from fourfold.core.folds import count_folds, make_splits
from fourfold.estimators.supervised import probe, teacher_outputs
from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model
    from fourfold.training.recipe import Recipe

__all__ = ["fit_head"]

ALPHAS: Final = (1e3, 1e2, 1e1, 1e0, 1e-1)
"""L2 penalties, times the features' mean square: tried in turn while the score rises."""
FOLDS: Final = 3
MOST_ROWS: Final = 2000
"""Rows on which a penalty is chosen."""


@final
class _Beside(NamedTuple):
    """Groups and times of rows, (n,) each, that folds respect; None without any."""

    groups: NDArray[np.intp] | None = None
    time: NDArray[np.float64] | None = None

    def at(self, index: NDArray[np.bool_]) -> _Beside:
        return _Beside(
            None if self.groups is None else self.groups[index],
            None if self.time is None else self.time[index],
        )


NOTHING: Final = _Beside()


def fit_head(
    model: Model,
    task: Task,
    data: Data,
    recipe: Recipe,
    alpha: float | None,
    *,
    keep_features: bool = True,
) -> History:
    """Fit the linear head of a model, whose body stays as it is, on labelled rows.

    A head is solved, by logistic regression for classes and ridge regression for numbers, or else
    trained by the recipe as a linear probe; the history is empty where it was solved.

    Parameters
    ----------
    alpha
        L2 penalty: 1/C of the logistic regression, alpha of the ridge regression; None chooses by
        cross-validation on these rows, in units of the features' mean square.
    keep_features
        Whether features are kept, for other fits on the same body.
    """
    if task.linear_loss is None:
        return probe(model, task, data, recipe)
    x = teacher_outputs(model.body, data.rows).numpy() if keep_features else model.embed(data.rows)
    order = _order(x, data.y.numpy())
    x, data = x[order], data.at(order)
    y, beside = data.y.numpy(), _Beside(data.groups, data.time)
    if task.linear_loss == "squared":
        columns = zip(y.T, ~np.isnan(y.T), strict=True)
        models = [_ridge(x[on], column[on], alpha, beside.at(on)) for column, on in columns]
        weights = np.stack([model.coef_ for model in models])
        biases = np.array([model.intercept_ for model in models])
    else:
        weights, biases = _logistic(x, y, alpha, task.n_outputs, beside)
    model.head.load_state_dict(
        {"weight": torch.as_tensor(weights).float(), "bias": torch.as_tensor(biases).float()}
    )
    return History()


def _order(x: NDArray[np.float32], y: NDArray[Any]) -> NDArray[np.intp]:
    """Order rows along a direction: nothing is drawn by a seed, so their own order must not matter.

    Folds depend on it, and so do the last steps of the solver.
    """
    direction = np.random.default_rng(0).standard_normal(x.shape[1])
    along = np.einsum("nd,d->n", x, direction)
    return np.lexsort((*y.reshape(len(y), -1).T, along))


def _ridge(
    x: NDArray[np.float32], y: NDArray[np.float32], alpha: float | None, beside: _Beside
) -> Ridge:
    if alpha is None:
        n = count_folds(y, FOLDS, stratified=False, **beside._asdict())
        folds = make_splits(y, n, 0, stratified=False, **beside._asdict()) if n else []
        scale = _mean_square(x)

        def score(times: float) -> float:
            errors = [
                np.square(Ridge(alpha=times * scale).fit(x[a], y[a]).predict(x[b]) - y[b]).mean()
                for a, b in folds
            ]
            return -float(np.mean(errors))

        alpha = scale * (_best(score) if folds else 1.0)
    return Ridge(alpha=alpha).fit(x, y)


def _logistic(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    alpha: float | None,
    k: int,
    beside: _Beside = NOTHING,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (k, d) and biases (k,)."""
    narrow, widen = _narrowed(x)
    alpha = _chosen(narrow, y, _mean_square(x), beside) if alpha is None else alpha
    model = _fitted(narrow, y, alpha)
    weights, biases = widen(model.coef_), model.intercept_
    if len(weights) == 1:  # two classes: one row, for the second against the first
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    full, offsets = np.zeros((k, x.shape[1])), np.full(k, -np.inf)
    full[model.classes_.astype(int)], offsets[model.classes_.astype(int)] = weights, biases
    return full, offsets


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
    x: NDArray[np.float32], y: NDArray[np.float32], scale: float, beside: _Beside = NOTHING
) -> float:
    """Return the alpha, in units of scale, with the largest likelihood of held-out labels."""
    n = count_folds(y, FOLDS, stratified=True, **beside._asdict())
    if not n:  # some fold would lack a class
        return scale
    folds = make_splits(y, n, 0, stratified=True, max_rows=MOST_ROWS, **beside._asdict())

    def score(times: float) -> float:
        return float(np.mean([_likelihood(x, y, a, b, times * scale) for a, b in folds]))

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
    a: NDArray[np.intp],
    b: NDArray[np.intp],
    alpha: float,
) -> float:
    model = _fitted(x[a], y[a], alpha)
    b = b[np.isin(y[b], model.classes_)]  # a class may have come later
    if not len(b):
        return 0.0
    p = model.predict_proba(x[b])[np.arange(len(b)), np.searchsorted(model.classes_, y[b])]
    return float(np.log(p.clip(1e-12)).mean())


def _fitted(x: NDArray[np.float32], y: NDArray[np.float32], alpha: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / alpha, max_iter=1000)
    with warnings.catch_warnings():  # few labels, and weak penalties among those that are tried
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
    return model


def _mean_square(x: NDArray[np.float32]) -> float:
    return max(float(np.square(x, dtype=np.float64).mean()), 1e-12)
