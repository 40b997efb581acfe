"""Classes of rows that their attributes determine, some of them without examples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contract import has
from fourfold import Domain
from fourfold.methods import table
from fourfold.training.recipe import Recipe

METHODS = [entry.load() for entry in table().values() if entry.cell == "zeroshot"]
SHORT = Recipe(epochs=3, min_steps=30, learning_rate=0.02)
each_method = pytest.mark.parametrize("method", METHODS)


def world(classes=12, seed=0, rows=30, noise=0.5):
    """Draw classes whose rows are a noisy linear map of their six attributes."""
    rng = np.random.default_rng(seed)
    attributes = (rng.random((classes, 6)) < 0.5).astype(float)
    attributes[:, 4:] = rng.normal(size=(classes, 2))
    y = np.repeat(np.arange(classes), rows)
    X = attributes[y] @ rng.normal(size=(6, 9)) + noise * rng.normal(size=(len(y), 9))
    names = np.array([f"kind {i:02}" for i in range(classes)])
    frame = pd.DataFrame(attributes, index=names, columns=list("abcdef"))
    return X.astype(np.float32), names[y], frame.astype(dict.fromkeys("abcd", int))


def parted(unseen=4, **more):
    """Return a source of seen classes, a target of others, and the target's true classes."""
    X, y, frame = world(**more)
    new = np.isin(y, frame.index[-unseen:])
    source = Domain(X[~new], y[~new], classes=frame.iloc[:-unseen])
    return source, Domain(X[new], classes=frame.iloc[-unseen:]), y[new]


def short(method, **parameters):
    """Make a method that is trained for a moment, where it is trained at all."""
    quick = {"recipe": SHORT, "n_estimators": 10}
    return method(
        **{name: value for name, value in quick.items() if has(method, name, **parameters)}
        | parameters
    )


def signatures(model, descriptions):
    """Return signatures (k, m) of described classes, as the model has them."""
    return model._vectors(model.signatures, descriptions)
