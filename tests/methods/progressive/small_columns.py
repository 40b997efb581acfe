"""Small progressive networks, and their columns."""

from __future__ import annotations

import numpy as np

from fourfold.data.domain import Domain
from fourfold.methods.progressive.progressive import ProgressiveNetwork
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, min_steps=10)
NET = Mlp(hidden_layer_sizes=(6, 5))


def rows(n=40, width=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, (X[:, 0] > X[:, 1]).astype(int)


def domain(seed):
    return Domain(*rows(seed=seed))


def progressive(**parameters):
    return ProgressiveNetwork(**{"network": NET, "recipe": SHORT, **parameters})


def columns(model):
    """Return the columns of a fitted model, the oldest first."""
    return list(model.model_.body.columns.column_list)


def lateral_inputs(model):
    """Return what each column gets of the older ones: (older column, joint)."""
    return [column.lateral_inputs for column in columns(model)]
