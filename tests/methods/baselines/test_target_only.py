"""The target alone learns as if there were no source."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=3, batch_size=16, min_steps=10)


NET = Mlp(hidden_layer_sizes=(6,))


def test_the_target_alone_is_supervised_training():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    model = TargetOnly(network=NET, recipe=SHORT, random_state=3).fit(X, y)
    assert len(model.history_.losses) == 3
    assert model.history_.losses[-1][0] < model.history_.losses[0][0]
