"""The source alone is the source model, unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from torch import nn

from fourfold import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=3, batch_size=16, min_steps=10)


NET = Mlp(hidden_layer_sizes=(6,))


def test_the_source_alone_ignores_the_targets_labels():
    X, y = load_iris(return_X_y=True)
    source = Domain(X, y)
    fit = lambda labels: SourceOnly(network=NET, recipe=SHORT).fit(X, labels, source=source)  # noqa: E731
    outputs = [fit(labels).outputs(X) for labels in (None, y, y[::-1])]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_the_source_alone_is_the_target_alone_of_the_source():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    recipe = Recipe(epochs=30, learning_rate=0.02)
    transferred = SourceOnly(network=NET, recipe=recipe).fit(X, source=Domain(X, y))
    direct = TargetOnly(network=NET, recipe=recipe).fit(X, y)
    assert transferred.score(X, y) == pytest.approx(direct.score(X, y), abs=0.05)
    assert transferred.score(X, y) > 0.9


def test_a_fitted_source_predicts_as_it_did():
    X, y = load_iris(return_X_y=True)
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    model = SourceOnly().fit(X[:9], source=taught)
    np.testing.assert_array_equal(model.outputs(X), taught.outputs(X))


def test_the_source_must_know_the_targets_classes():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(DataError, match="must be among the 2 classes of the task; got also 2"):
        SourceOnly(recipe=SHORT).fit(X, y, source=Domain(X[y < 2], y[y < 2]))
    with pytest.raises(ParameterError, match="must know its class names"):
        SourceOnly().fit(X, source=nn.Linear(4, 3))
