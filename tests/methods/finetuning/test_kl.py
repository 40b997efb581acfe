"""KL adaptation ends between the labels and the source model's outputs."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from fourfold import Domain, KLAdaptation
from fourfold.errors import DataError, ParameterError
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import LONG, NET, SHORT, moved, weights
from samples import gains, rows


def test_with_rho_one_there_is_no_gradient_at_the_source():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    still = KLAdaptation(recipe=LONG, rho=1.0).fit(X[:8], 3 - y[:8], source=taught)
    assert moved(weights(taught), weights(still)) < 1e-5
    half = KLAdaptation(recipe=LONG, rho=0.5).fit(X[:8], 3 - y[:8], source=taught)
    assert moved(weights(taught), weights(half)) > 0.1


def test_it_ends_between_labels_and_source():
    """A network that can say anything says (1 − ρ)·label + ρ·p_source of each row."""
    X, y = rows(8)
    recipe = Recipe(steps=1000, learning_rate=0.01, weight_decay=0.0)
    wide = Mlp(hidden_layer_sizes=(64,))
    taught = TargetOnly(network=wide, recipe=SHORT).fit(*rows())
    model = KLAdaptation(rho=0.4, recipe=recipe).fit(X, y, source=taught)
    wanted = 0.6 * np.eye(4)[y] + 0.4 * taught.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), wanted, atol=0.03)


@pytest.mark.usefixtures("no_training")
def test_the_source_must_know_the_targets_classes():
    X, y = rows()
    bare = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    with pytest.raises(ParameterError, match="source must know its class names"):
        KLAdaptation(recipe=SHORT).fit(X[:4], [0, 1, 0, 1], source=bare)
    with pytest.raises(DataError, match="must be among the 4 classes of the task; got also 9"):
        KLAdaptation(network=NET, recipe=SHORT).fit(X[:4], [0, 9, 0, 9], source=Domain(X, y))


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(KLAdaptation, shots=2, seeds=3, recipe=Recipe(epochs=10, min_steps=60))
    assert min(found) > 0.1, found
