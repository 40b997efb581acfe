"""A checkpoint is of one purpose: what a loss does not tell is told beside it."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import L2SP, Domain, FineTune, Mlp, MultiTask, Recipe
from fourfold.errors import DataError

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.arange(30) % 3
PAIRS = [
    (L2SP(alpha=0.0), L2SP(alpha=100.0)),
    (FineTune(decay=0.5), FineTune(decay=0.9)),
    (MultiTask(balance="equal"), MultiTask(balance="uncertainty")),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: type(pair[0]).__name__)
def test_a_checkpoint_of_other_parameters_is_refused(pair, tmp_path):
    recipe = Recipe(epochs=1, least_steps=3, checkpoint=str(tmp_path / "state"))

    def fit(method):
        method.set_params(recipe=recipe, network=Mlp(hidden_layer_sizes=(5,)))
        if isinstance(method, MultiTask):
            return method.fit({"a": Domain(X, Y), "b": Domain(X[:20], X[:20, 0])})
        return method.fit(X[:9], Y[:9], source=Domain(X, Y))

    first, other = pair
    fit(first)
    fit(first)  # goes on from the end
    with pytest.raises(DataError, match="must be of a training with the same"):
        fit(other)
