"""Peers for tables: linear and boosted models on both domains, and a convex blend of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.arena.peers.base import Found, folds
from benchmarks.arena.peers.encoding import Encoded, encode
from benchmarks.arena.peers.linear import loss
from benchmarks.arena.peers.members import MEMBERS, Learnt
from benchmarks.arena.rating import Answers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.arena.task import Case

    Floats = NDArray[np.float64]

__all__ = ["blend_weights", "script"]

STACKED: Final = (
    "source linear, recalibrated",
    "source boosted, recalibrated",
    "pooled linear",
    "pooled boosted",
    "target linear",
    "linear pulled to source linear",
    "linear on top of source boosted",
    "target boosted on source scores",
)
"""Members of the blend, of which the first four are trusted before any label is seen."""
TRUSTED: Final = 4
PRIOR: Final = 8.0
"""Weight of the prior on the blend, in labels."""


def script(case: Case) -> dict[str, Found]:
    """Fit every member on folds of the target's labels and on all of them, and blend them."""
    table = encode(case)
    learnt = Learnt(table)
    parts = folds(table.labels, most=4)
    held = {name: np.zeros((2, len(table.y))) for name in MEMBERS}
    for number, (train, out) in enumerate(parts):
        repeat = number * 2 // len(parts)
        for name, member in MEMBERS.items():
            held[name][repeat, out] = member(learnt, train)(table.target, out)
    every = np.arange(len(table.y))
    asked = {
        name: member(learnt, every)(table.evaluate, np.arange(len(table.evaluate.dense)))
        for name, member in MEMBERS.items()
    }
    y = np.concatenate([table.y, table.y])
    oof = {name: scores.ravel() for name, scores in held.items()}
    losses = {name: loss(y, scores, classes=table.classes) for name, scores in oof.items()}
    weights = blend_weights(y, np.stack([oof[n] for n in STACKED], axis=1), classes=table.classes)
    oof["Stack"] = sum(w * oof[name] for w, name in zip(weights, STACKED, strict=True))
    asked["Stack"] = sum(w * asked[name] for w, name in zip(weights, STACKED, strict=True))
    losses["Stack"] = loss(y, oof["Stack"], classes=table.classes)
    return {name: Found(_answers(table, asked[name]), losses[name]) for name in losses}


def blend_weights(y: Floats, scores: Floats, *, classes: bool) -> Floats:
    """Minimize the held-out loss of a convex blend, near to equal weights of the trusted members.

    Parameters
    ----------
    y, scores
        (2n,) and (2n, m): the labels and what members said where these were held out, twice.
    classes
        Whether scores are log-odds.
    """
    n, m = len(y) / 2, scores.shape[1]
    prior = np.where(np.arange(m) < TRUSTED, 1 / TRUSTED, 0.0)

    def objective(w: Floats) -> float:
        return loss(y, scores @ w, classes=classes) + PRIOR / (2 * n) * float(
            (w - prior) @ (w - prior)
        )

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1}
    found = minimize(objective, prior, method="SLSQP", bounds=[(0, 1)] * m, constraints=whole)
    return np.asarray(found.x.clip(0) / found.x.clip(0).sum())


def _answers(table: Encoded, scores: Floats) -> Answers:
    if not table.classes:
        return Answers(scores)
    p = expit(scores)
    return Answers.of_classes(np.stack([1 - p, p], axis=1), table.names)
