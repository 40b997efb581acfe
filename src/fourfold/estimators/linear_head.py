"""A last layer on features that stay as they are, solved and not trained."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold

from fourfold.core.tasks import Classification, Regression
from fourfold.estimators.problem import probe, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Data, Model
    from fourfold.training.phases import History
    from fourfold.training.recipe import Recipe

__all__ = ["solvable", "solve", "teach"]

STRENGTHS: Final = (1e3, 1e2, 1e1, 1e0, 1e-1)
"""Of the L2 penalty, times the features' mean square: tried in turn while it gets better."""
FOLDS: Final = 3
MOST_ROWS: Final = 2000
"""On which a strength is chosen."""


def solvable(task: Task) -> bool:
    """Tell whether a task's last layer can be solved: one class of several, or numbers."""
    return isinstance(task, (Classification, Regression))


def teach(
    model: Model, task: Task, data: Data, recipe: Recipe, strength: float | None
) -> History | None:
    """Find the last layer alone, on features that are computed once: solved, or else trained.

    Parameters
    ----------
    model
        Its body stays as it is.
    task, data
        What is learnt, from labelled rows.
    recipe
        Of a training.
    strength
        As of :func:`solve`.

    Returns
    -------
    History or None
        Of the training, where it could not be solved.
    """
    if not solvable(task):
        return probe(model, task, data, recipe)
    solve(model.head, recorded(model.body, data.rows).numpy(), data.y.numpy(), task, strength)
    return None


def solve(
    head: nn.Module,
    features: NDArray[np.float32],
    y: NDArray[np.float32],
    task: Task,
    strength: float | None,
) -> None:
    """Make a linear head the best one: logistic regression for classes, ridge for numbers.

    Parameters
    ----------
    head
        ``Linear(d, k)``.
    features
        (n, d) of labelled rows.
    y
        (n,) or (n, m), encoded.
    task
        A classification or a regression.
    strength
        Of the L2 penalty: 1/C of the logistic regression, alpha of the ridge; None chooses by
        cross-validation on these rows, in units of the features' mean square.
    """
    if isinstance(task, Regression):
        there = ~np.isnan(y)
        columns = zip(y.T, there.T, strict=True)
        models = [_ridge(features[on], column[on], strength) for column, on in columns]
        weights, biases = (
            np.stack([m.coef_ for m in models]),
            np.array([m.intercept_ for m in models]),
        )
    else:
        weights, biases = _logistic(features, y, strength, task.n_outputs)
    head.load_state_dict(
        {"weight": torch.as_tensor(weights).float(), "bias": torch.as_tensor(biases).float()}
    )


def _ridge(x: NDArray[np.float32], y: NDArray[np.float32], strength: float | None) -> Ridge:
    if strength is None:
        folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(x)) if len(x) > FOLDS else []
        scale = _mean_square(x)

        def score(times: float) -> float:
            errors = [
                np.square(Ridge(alpha=times * scale).fit(x[a], y[a]).predict(x[b]) - y[b]).mean()
                for a, b in folds
            ]
            return -float(np.mean(errors))

        strength = scale * (_best(score) if folds else 1.0)
    return Ridge(alpha=strength).fit(x, y)


def _logistic(
    x: NDArray[np.float32], y: NDArray[np.float32], strength: float | None, k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (k, d) and biases (k,)."""
    narrow, widen = _narrowed(x)
    strength = _chosen(narrow, y, _mean_square(x)) if strength is None else strength
    model = _fitted(narrow, y, strength)
    weights, biases = widen(model.coef_), model.intercept_
    if len(weights) == 1:  # two classes: one row, for the second against the first
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    full, offsets = np.zeros((k, x.shape[1])), np.full(k, -np.inf)
    full[model.classes_.astype(int)], offsets[model.classes_.astype(int)] = weights, biases
    return full, offsets


def _narrowed(
    x: NDArray[np.float32],
) -> tuple[NDArray[np.float32], Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Turn n rows of more features into the n directions that they span; and weights back.

    The best weights lie there, and an L2 penalty is the same.
    """
    if x.shape[1] <= len(x):
        return x, lambda weights: weights
    turn, upper = np.linalg.qr(x.T.astype(np.float64))
    return upper.T.astype(np.float32), lambda weights: weights @ turn.T


def _chosen(x: NDArray[np.float32], y: NDArray[np.float32], scale: float) -> float:
    """Return the strength, in units of scale, that predicts held-out labels best: most likely."""
    least = np.unique(y, return_counts=True)[1].min()
    if least < 2:  # some class would be missing where it is learnt from
        return scale
    folds = list(_folds(y, min(FOLDS, int(least))))

    def score(times: float) -> float:
        return float(np.mean([_likelihood(x, y, a, b, times * scale) for a, b in folds]))

    return scale * _best(score)


def _best(score: Callable[[float], float]) -> float:
    """Return the strength before the first that is no better: weak ones are slow to solve."""
    best, highest = STRENGTHS[0], score(STRENGTHS[0])
    for times in STRENGTHS[1:]:
        reached = score(times)
        if reached <= highest:
            break
        best, highest = times, reached
    return best


def _folds(y: NDArray[np.float32], n: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    rows = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
    if np.unique(y[rows], return_counts=True)[1].min() < n or len(np.unique(y[rows])) < len(
        np.unique(y)
    ):
        rows = np.arange(len(y))
    for a, b in StratifiedKFold(n, shuffle=True, random_state=0).split(rows, y[rows]):
        yield rows[a], rows[b]


def _likelihood(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    a: NDArray[np.intp],
    b: NDArray[np.intp],
    strength: float,
) -> float:
    model = _fitted(x[a], y[a], strength)
    said = model.predict_proba(x[b])[np.arange(len(b)), np.searchsorted(model.classes_, y[b])]
    return float(np.log(said.clip(1e-12)).mean())


def _fitted(x: NDArray[np.float32], y: NDArray[np.float32], strength: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / strength, max_iter=1000)
    with warnings.catch_warnings():  # a label or two a class is what this is for
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(x, y)
    return model


def _mean_square(x: NDArray[np.float32]) -> float:
    return max(float(np.square(x, dtype=np.float64).mean()), 1e-12)
