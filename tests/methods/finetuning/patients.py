"""A real table with a source: diabetes of one sex, and of the other with few labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes

from fourfold import Domain, Linear

LABELS = 20


def gains(method: Any, seeds: int = 4) -> list[float]:
    """Return what a method gains over a line on the target alone, in R², for each draw."""
    X, y = load_diabetes(return_X_y=True)
    one, X = X[:, 1] > 0, np.delete(X, 1, axis=1)
    source, other = Domain(X[one], y[one]), np.flatnonzero(~one)
    found = []
    for seed in range(seeds):
        few = np.random.default_rng(seed).choice(other, LABELS, replace=False)
        rest = np.setdiff1d(other, few)
        scores = [
            model.fit(X[few], y[few], source=source).score(X[rest], y[rest])
            for model in (method, Linear())
        ]
        found.append(scores[0] - scores[1])
    return found
