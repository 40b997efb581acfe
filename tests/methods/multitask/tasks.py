"""Tasks of several kinds, with labels that are missing row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from fourfold import Domain
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, min_steps=6, batch_size=16)
NET = Mlp(hidden_layer_sizes=(8,))


def rows(n=40, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def mixed():
    """Return three kinds of tasks with different rows, and labels missing row by row."""
    a, b, c = rows(40), rows(24, seed=1), rows(10, seed=2)
    classes = np.where(np.arange(40) % 3, np.arange(40) % 2, -1)
    numbers = np.where(np.arange(24) % 4, b[:, 0] * 7 + 100, np.nan)
    answers = (c[:, :2] > 0).astype(float)
    answers[::2, 0] = np.nan
    return {"kind": Domain(a, classes), "size": Domain(b, numbers), "has": Domain(c, answers)}


def different():
    """Return three tasks on different inputs: pictures, vectors and a table."""
    X, y = (part[:200] for part in load_digits(return_X_y=True))
    table = pd.DataFrame({"sum": X.sum(1), "odd": np.where(y % 2, "yes", "no")})
    return {
        "pictures": Domain(X.reshape(-1, 8, 8), y),
        "vectors": Domain(X[:100, :20], X[:100, 30] + 0.25),
        "tables": Domain(table, y > 4),
    }


def bits(model, X, *tasks):
    return [model.outputs(X, task=task).tobytes() for task in tasks]
