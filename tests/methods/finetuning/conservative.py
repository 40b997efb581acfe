"""A network, recipes and measures for the tests of conservative training."""

from __future__ import annotations

import torch
from sklearn.frozen import FrozenEstimator

from fourfold import Domain
from fourfold.data.rows import as_rows
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.networks import Mlp
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe
from samples import rows

NET = Mlp(hidden_layer_sizes=(8, 6))
SHORT = Recipe(epochs=3, batch_size=16, min_steps=30, weight_decay=0.0, learning_rate=0.01)
LONG = Recipe(steps=600, optimizer="sgd", learning_rate=0.05, schedule="constant", weight_decay=0.0)
PREPARED = FrozenEstimator(Standardize().fit(as_rows(rows()[0])))
"""The same for every method, so that the source model is the same one."""


def weights(estimator):
    return {name: w.detach().clone() for name, w in estimator.model_.named_parameters()}


def moved(before, after):
    """Return the largest distance that a weight has moved."""
    return max(float((after[name] - w).abs().max()) for name, w in before.items())


def forgetting(method, weight):
    """Return how far the source's own outputs move while its labels are learnt turned around."""
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": LONG, "prepare": PREPARED}
    taught = SourceOnly(**common).fit(X, source=source)
    model = method(weight=weight, **common).fit(X[:8], 3 - y[:8], source=source)
    with torch.no_grad():
        old = taught.model_.head(torch.from_numpy(model.embed(X)))
    return float((old - torch.from_numpy(taught.outputs(X))).abs().mean())
