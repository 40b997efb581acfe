"""Class-adaptive linear probe: cosines with class vectors that stay near given prototypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample

    Floats = NDArray[np.float64]

__all__ = ["choose_alpha", "class_adaptive", "class_penalties"]

STEPS: Final = 500
ALPHAS: Final = (1.0, 0.1, 0.01, 10.0, 100.0)
"""Factors of the penalties that are tried; the first is the usual one."""
MOST_ROWS: Final = 2000
"""Rows on which a factor is chosen."""


def class_penalties(rows: Sample, prototypes: Floats, scale: float) -> Floats:
    """Return λ (k,): the mean probability that prototypes (k, d) give rows of each class.

    A class without rows has 1. Rows (n, d) have length 1.
    """
    likely = np.exp(log_softmax(scale * rows.x @ _unit(prototypes).T, axis=1))  # (n, k)
    own = likely[np.arange(len(rows.y)), rows.y]
    k = len(prototypes)
    total = np.bincount(rows.y, rows.weight, k)
    mean = np.bincount(rows.y, rows.weight * own, k) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, 1.0)


def choose_alpha(rows: Sample, prototypes: Floats, scale: float) -> float:
    """Return the factor of the penalties with the largest likelihood of held-out labels.

    It is the usual one where nothing can be held out.
    """
    splits = rows.splits(stratified=True, max_rows=MOST_ROWS)
    folds = [(rows.at(learnt), rows.at(held)) for learnt, held in splits]
    known = [class_penalties(learnt, prototypes, scale) for learnt, _ in folds]

    def likelihood(alpha: float) -> float:
        total = 0.0
        for (learnt, held), penalties in zip(folds, known, strict=True):
            found = class_adaptive(learnt, prototypes, scale, alpha * penalties)
            logs = log_softmax(scale * held.x @ _unit(found).T, axis=1)
            total += float(np.average(logs[np.arange(len(held.y)), held.y], weights=held.weight))
        return total

    return max(ALPHAS, key=likelihood) if folds else ALPHAS[0]


def class_adaptive(rows: Sample, prototypes: Floats, scale: float, penalties: Floats) -> Floats:
    r"""Return class vectors w (k, d) with the least penalized loss.

    That is the mean cross-entropy of softmax(scale · cos(x, w)) plus
    mean over classes of λ_c ‖w_c − t_c‖², for prototypes t and penalties λ (k,), by L-BFGS from w =
    t. Rows (n, d) have length 1.

    References
    ----------
    Silva-Rodríguez et al., A Closer Look at the Few-Shot Adaptation of Large Vision-Language
    Models, CVPR 2024.
    """
    x, share = rows.x.astype(np.float64), rows.weight / rows.weight.sum(dtype=np.float64)
    each, k = np.arange(len(x)), len(prototypes)

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(prototypes.shape)
        lengths = np.linalg.norm(w, axis=1, keepdims=True)
        u, moved = w / lengths, w - prototypes
        logs = log_softmax(scale * x @ u.T, axis=1)  # (n, k)
        wrong = np.exp(logs)
        wrong[each, rows.y] -= 1
        towards = scale * (wrong * share[:, None]).T @ x  # (k, d), by the directions u
        slope = (towards - (towards * u).sum(1, keepdims=True) * u) / lengths
        value = -share @ logs[each, rows.y] + penalties @ np.square(moved).sum(1) / k
        return float(value), (slope + 2 * penalties[:, None] * moved / k).ravel()

    found = minimize(
        loss, prototypes.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
    )
    return np.asarray(found.x).reshape(prototypes.shape)


def _unit(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
