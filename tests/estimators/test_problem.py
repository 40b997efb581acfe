"""A problem's source model is trained once per seed, or copied from what is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain
from fourfold.data.pooling import in_one_order
from fourfold.errors import ParameterError
from fourfold.estimators import supervised
from fourfold.estimators.problem import problem
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe
from samples import noise

SHORT = Recipe(epochs=2, batch_size=16, min_steps=6)
STILL = Recipe(epochs=1, min_steps=1, learning_rate=1e-12, weight_decay=0.0)
"""So slow that weights stay where they start."""
NET = Mlp(hidden_layer_sizes=(6, 5))


@pytest.fixture
def trainings(monkeypatch):
    """Count the trainings of source models."""
    counted = []
    supervise = problem.supervise

    def count(*arguments):
        counted.append(arguments)
        return supervise(*arguments)

    monkeypatch.setattr(problem, "supervise", count)
    return counted


@pytest.mark.parametrize("stored", [False, True])
def test_the_source_model_is_trained_once_per_seed(stored, trainings, tmp_path):
    X, y = noise()

    def fit(seed, n=8, **options):
        settings = {"network": NET, "recipe": SHORT, "random_state": seed} | options
        return FineTune(**settings).fit(X[:n], y[:n], source=Domain(X, y)).outputs(X)

    def all_fits():
        outputs = [fit(0), fit(0, decay=0.9), fit(0), fit(1), fit(0, head="new"), fit(1)]
        assert len(trainings) == 2
        np.testing.assert_array_equal(outputs[0], outputs[2])
        fit(0, recipe=Recipe(epochs=3, min_steps=6))
        fit(0, network=Mlp(hidden_layer_sizes=(7,)))
        assert len(trainings) == 4

    if not stored:
        all_fits()
        return
    with using(Store(tmp_path)):
        all_fits()
    supervised._kept.clear()
    with using(Store(tmp_path)):
        fit(0)
    assert len(trainings) == 4


def test_other_source_data_train_another_source_model(trainings):
    X, y = noise()
    for labels in (y, y, np.roll(y, 1)):
        FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, labels))
    assert len(trainings) == 2


def test_a_remembered_source_model_gives_the_same_as_a_fresh_one():
    X, y = noise()
    fits = []
    for _ in range(2):
        fits += [
            FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, y)).outputs(X)
            for _ in range(2)
        ]
        supervised._kept.clear()
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit, fits[0])


def test_several_sources_are_one():
    X, y = noise()
    parts = in_one_order([Domain(X[:25], y[:25]), Domain(X[25:], y[25:])])
    stacked = Domain(
        np.concatenate([part.rows.take(np.arange(part.n_rows)) for part in parts]),
        np.concatenate([part.y for part in parts]),
    )
    whole = FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=stacked)
    pooled = FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=parts)
    np.testing.assert_array_equal(pooled.outputs(X), whole.outputs(X))


def test_a_fitted_estimator_is_a_source_and_is_not_changed(trainings):
    X, y = noise()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    before = taught.outputs(X)
    model = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=taught)
    assert trainings == []
    np.testing.assert_array_equal(taught.outputs(X), before)
    assert not np.array_equal(model.outputs(X), before)
    again = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=model)
    assert again.predict(X).shape == (40,)


def test_a_bare_network_with_a_linear_head_is_a_source():
    X, y = noise()
    network = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 17))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = FineTune(recipe=STILL).fit(X[:8], y[:8], source=network)
    assert model.model_.head.weight.shape == (4, 6)
    with torch.no_grad():
        expected = network[:2](torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(model.embed(X), expected, atol=1e-5)
    FineTune(recipe=SHORT).fit(X[:8], y[:8], source=network)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    with pytest.raises(ParameterError, match="must be a Linear"):
        FineTune(recipe=SHORT).fit(X[:8], y[:8], source=nn.Sequential(nn.Linear(3, 6), nn.Tanh()))


def test_a_model_beside_data_is_refused():
    X, y = noise()
    with pytest.raises(ParameterError, match="must be Domains or one trained model"):
        FineTune().fit(X[:8], y[:8], source=[Domain(X, y), nn.Linear(3, 2)])
