"""Two moons, and the same rotated: the task of the papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import make_moons

from fourfold import Domain

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURN = np.deg2rad(35)
ROTATION = np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])


def moons(seed: int) -> tuple[Domain, NDArray[np.float64], NDArray[Any]]:
    """Draw a source, and rows and labels of a target that is rotated by 35°."""
    source = Domain(*make_moons(300, noise=0.05, random_state=seed))
    X, y = make_moons(300, noise=0.05, random_state=seed + 100)
    return source, X @ ROTATION.T, y


def accuracy(method: Any, seeds: int = 3) -> float:
    """Return the mean accuracy on rotated moons."""
    found = []
    for seed in range(seeds):
        source, X, y = moons(seed)
        found.append(method.fit(X, source=source).score(X, y))
    return float(np.mean(found))
