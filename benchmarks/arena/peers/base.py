"""Results of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.arena.rating import Answers

    Parts = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

__all__ = ["Found", "folds"]


class Found(NamedTuple):
    """Answers of a peer, and its loss by its own cross-validation: lower is better."""

    answers: Answers
    loss: float


def folds(y: NDArray, most: int = 4, repeats: int = 2) -> Parts:
    """Divide rows repeatedly into training and held-out ones, by class where there are classes.

    There are none where a class has a single row.
    """
    if y.dtype.kind == "f":
        make, n = KFold, most
    else:
        make, n = StratifiedKFold, min(most, np.unique(y, return_counts=True)[1].min())
    if n < 2:
        return []
    return [
        part
        for seed in range(repeats)
        for part in make(n, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)
    ]
