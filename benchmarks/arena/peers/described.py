"""Peers for classes without examples: two ridges to descriptions, and chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import softmax

from benchmarks.arena.peers.base import Found
from benchmarks.arena.rating import Answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.arena.task import Case

    Floats = NDArray[np.float64]

__all__ = ["eszsl", "ridge", "script"]

PENALTIES: Final = (0.1, 1.0, 10.0, 100.0, 1000.0)
HELD: Final = 3
"""Parts of the seen classes, each held out in turn."""


class Seen(NamedTuple):
    """Inputs (n, d), classes (n,) by number, and descriptions (k, a) of the classes."""

    X: Floats
    codes: NDArray[np.intp]
    described: Floats


def script(case: Case) -> dict[str, Found]:
    """Fit both ridges, the penalty chosen on seen classes that are held out."""
    seen, new, asked, names = _numbers(case)
    found = {}
    for name, fit in (("ridge", ridge), ("ESZSL", eszsl)):
        losses = {penalty: _held_out(seen, fit, penalty, len(names)) for penalty in PENALTIES}
        best = min(losses, key=losses.__getitem__)
        scores = fit(seen, best, new, asked)
        found[name] = Found(Answers.of_classes(softmax(scores, axis=1), names), losses[best])
    even = np.full((len(new), len(names)), 1 / len(names))
    return {**found, "chance": Found(Answers.of_classes(even, names), 1.0)}


def ridge(seen: Seen, penalty: float, new: Floats, asked: Floats) -> Floats:
    """Predict descriptions by ridge regression; the nearest class is the likeliest."""
    seen, new, asked = _centred(seen, new, asked)
    said = new @ _solve(seen.X, penalty, seen.described[seen.codes])
    return -((said[:, None] - asked[None]) ** 2).sum(axis=2)


def eszsl(seen: Seen, penalty: float, new: Floats, asked: Floats) -> Floats:
    """Score X V S' by V = (X'X + γI)⁻¹ X'YS (S'S + I)⁻¹.

    References
    ----------
    Romera-Paredes & Torr, An Embarrassingly Simple Approach to Zero-Shot Learning, ICML 2015.
    """
    seen, new, asked = _centred(seen, new, asked)
    S = seen.described
    Y = np.where(seen.codes[:, None] == np.arange(len(S)), 1.0, -1.0)
    V = _solve(seen.X, penalty, Y @ S) @ np.linalg.inv(S.T @ S + np.eye(S.shape[1]))
    return np.asarray(new @ V @ asked.T)


def _centred(seen: Seen, new: Floats, asked: Floats) -> tuple[Seen, Floats, Floats]:
    """Take the means of the seen inputs and classes off everything."""
    mean, common = seen.X.mean(axis=0), seen.described.mean(axis=0)
    centred = Seen(seen.X - mean, seen.codes, seen.described - common)
    return centred, new - mean, asked - common


def _solve(X: Floats, penalty: float, Y: Floats) -> Floats:
    return np.asarray(np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ Y))


def _held_out(seen: Seen, fit: Callable[..., Floats], penalty: float, together: int) -> float:
    """Return the share of wrong answers on held-out classes, among as many as are in question."""
    order = np.random.default_rng(0).permutation(len(seen.described))
    wrong = []
    for held in np.array_split(order, HELD):
        kept = np.setdiff1d(order, held)
        rows, out = np.isin(seen.codes, kept), np.flatnonzero(np.isin(seen.codes, held))
        part = Seen(seen.X[rows], np.searchsorted(kept, seen.codes[rows]), seen.described[kept])
        scores = fit(part, penalty, seen.X[out], seen.described[held])
        for group in np.array_split(np.arange(len(held)), max(len(held) // together, 1)):
            own = np.isin(seen.codes[out], held[group])
            guess = held[group][scores[own][:, group].argmax(axis=1)]
            wrong.append(np.mean(guess != seen.codes[out][own]))
    return float(np.mean(wrong))


def _numbers(case: Case) -> tuple[Seen, Floats, Floats, NDArray[Any]]:
    """Standardize inputs and descriptions; words of descriptions are one-hot."""
    assert case.source.y is not None
    names, codes = np.unique(case.source.y, return_inverse=True)
    described = [
        pd.DataFrame(part).T if isinstance(part, dict) else part for part in (case.seen, case.asked)
    ]
    table = pd.get_dummies(pd.concat(described)).astype(float)
    table = (table - table.mean()) / table.std().replace(0, 1)
    old, new = (np.asarray(rows.X, float) for rows in (case.source, case.evaluate))
    mean, spread = old.mean(axis=0), old.std(axis=0)
    old, new = ((part - mean) / np.where(spread > 0, spread, 1) for part in (old, new))
    asked = np.array(list(described[1].index))
    k = len(described[0])
    by_name = dict(zip(described[0].index, table.to_numpy()[:k], strict=True))
    seen = Seen(old, codes, np.stack([by_name[name] for name in names.tolist()]))
    return seen, new, table.to_numpy()[k:], asked
