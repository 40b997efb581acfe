"""Rows for the tests of single methods: clusters, and digits of which few are labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_digits

from fourfold import Domain
from fourfold.methods.baselines.target_only import TargetOnly

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rows(
    n: int = 60, classes: int = 4, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw vectors (n, 5) in clusters, a class each, and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return (rng.normal(size=(n, 5)) + 2 * np.eye(classes, 5)[y]).astype(np.float32), y


def noise(
    n: int = 40, classes: int = 4, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw vectors (n, 3) that say nothing of their classes."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)).astype(np.float32), np.arange(n) % classes


def gains(method: type[Any], *, shots: int, seeds: int, **given: Any) -> list[float]:
    """Return what a method gains over the target alone, in accuracy, for each seed.

    The source is 900 clean digits; of the other, noisy ones so many a class are learnt from.
    """
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    source, yt = Domain(X[:900], y[:900]), y[900:]
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        noisy = np.clip(X[900:] + 0.3 * rng.standard_normal(X[900:].shape), 0, 1)
        Xt = noisy.astype(np.float32)
        few = np.concatenate(
            [rng.choice(np.flatnonzero(yt == c), shots, replace=False) for c in range(10)]
        )
        rest = np.setdiff1d(np.arange(len(yt)), few)
        scores = []
        for kind in (method, TargetOnly):
            model = kind(network="mlp", random_state=seed, **given)
            model.fit(Xt[few], yt[few], source=source)
            scores.append(model.score(Xt[rest], yt[rest]))
        found.append(scores[0] - scores[1])
    return found
