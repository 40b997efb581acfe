"""Trainings of other methods and parameters never share a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import L2SP, Domain, FineTune, Mlp, MultiTask, Recipe, Runtime

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.arange(30) % 3
PAIRS = [
    (L2SP(alpha=0.0), L2SP(alpha=100.0)),
    (FineTune(decay=0.5), FineTune(decay=0.9)),
    (MultiTask(balance="equal"), MultiTask(balance="uncertainty")),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: type(pair[0]).__name__)
def test_other_parameters_train_anew(pair, tmp_path):
    def fit(method):
        """Return the number of trained epochs."""
        epochs = []
        method.set_params(
            recipe=Recipe(epochs=1, min_steps=3), network=Mlp(hidden_layer_sizes=(5,))
        )
        kept = {"checkpoints": tmp_path, "checkpoint_every": 0.0}
        with Runtime(**kept, callbacks=(lambda epoch, _: epochs.append(epoch),)):
            if isinstance(method, MultiTask):
                method.fit({"a": Domain(X, Y), "b": Domain(X[:20], X[:20, 0])})
            else:
                method.fit(X[:9], Y[:9], source=Domain(X, Y))
        return len(epochs)

    first, other = pair
    assert fit(first) > 0
    assert fit(first) == 0
    assert fit(other) > 0
