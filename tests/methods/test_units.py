"""Numbers of the source and of the target may be in other units: every method still learns."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Mlp, Recipe
from fourfold.estimators.network import TrainsNetwork
from fourfold.methods import table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4))
Y = X[:, 0] - 2 * X[:, 1] + 0.5 * np.abs(X[:, 2]) + 15
SOURCE = Domain(X[:200], Y[:200])
UNITS = {"shifted": lambda y: y + 20, "scaled": lambda y: 1.8 * y + 32}
FEW = slice(200, 212)
METHODS = {
    entry.name: method
    for entry in table().values()
    if issubclass(method := entry.load(), TrainsNetwork)
    and method.needs.source_labels
    and method.uses_target_labels
    and not method.needs.classes
}


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", METHODS)
def test_every_regression_learns_in_the_targets_units(name, units):
    method, to = METHODS[name](random_state=0), UNITS[units]
    recipe = Recipe(epochs=10, min_steps=60, learning_rate=0.01)
    given = {"recipe": recipe, "network": Mlp(hidden_layer_sizes=(16,)), "n_splits": 1}
    method.set_params(**{k: v for k, v in given.items() if method.takes(k, v)})
    y = to(Y)
    method.fit(X[FEW], y[FEW], source=SOURCE)
    assert method.score(X[212:], y[212:]) > 0.3
