"""One example a class is enough: prototypes in closed form, a last layer of cosines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import (
    L2SP,
    CosineHead,
    Domain,
    FineTune,
    KLAdaptation,
    LayerTransfer,
    LwF,
    Prototypes,
    Rehearsal,
)
from fourfold.errors import DataError
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning import prototypes
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe
from samples import gains, rows

NET = Mlp(hidden_layer_sizes=(8, 6))
SHORT = Recipe(epochs=3, batch_size=16, least_steps=30, learning_rate=0.01)
CELL = [FineTune, L2SP, KLAdaptation, LwF, Rehearsal, LayerTransfer, Prototypes, CosineHead]


# --- prototypes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_prototypes_are_class_means_of_placed_features(centre, normalize):
    X, y = rows()
    source = Domain(X, y)
    few, labels = X[:9] + 0.2, y[:9]
    model = Prototypes(network=NET, recipe=SHORT, centre=centre, normalize=normalize)
    model.fit(few, labels, source=source)

    def placed(x):
        f = model.embed(x) - (model.embed(X).mean(0) if centre else 0)
        return f / np.linalg.norm(f, axis=1, keepdims=True) if normalize else f

    means = np.stack([placed(few)[labels == c].mean(0) for c in range(4)])
    distances = ((placed(X)[:, None] - means) ** 2).sum(2)
    np.testing.assert_allclose(model.outputs(X), -distances, atol=1e-4)
    assert (model.predict(X) == distances.argmin(1)).all()


def test_the_order_of_examples_does_not_matter():
    X, y = rows()
    order = np.random.default_rng(0).permutation(12)
    source = Domain(X, y)
    fits = [
        Prototypes(network=NET, recipe=SHORT).fit(X[:12][o], y[:12][o], source=source).outputs(X)
        for o in (np.arange(12), order)
    ]
    np.testing.assert_allclose(*fits, atol=1e-4)


def test_the_mean_of_a_large_source_is_that_of_rows_spread_over_it(monkeypatch):
    X, y = rows(400)
    asked = []
    recorded = prototypes.recorded

    def watch(body, some):
        asked.append(some.n)
        return recorded(body, some)

    monkeypatch.setattr(prototypes, "recorded", watch)
    monkeypatch.setattr(prototypes, "MEAN_ROWS", 50)
    Prototypes(network=NET, recipe=SHORT).fit(X[:4], y[:4], source=Domain(X, y))
    assert asked == [50, 4]


def test_a_trained_model_stands_in_for_data():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    model = Prototypes().fit(X[:8], y[:8], source=taught)
    wanted = taught.embed(X[:8]).mean(0)
    np.testing.assert_allclose(model.model_.head.mean, wanted, atol=1e-5)


# --- cosines -------------------------------------------------------------------------------------


def test_only_the_angle_counts():
    X, y = rows()
    model = CosineHead(network=NET, recipe=SHORT, scale=7.0).fit(X[:8], y[:8], source=Domain(X, y))
    features = torch.from_numpy(model.embed(X)) + 0.1
    head = model.model_.head
    with torch.no_grad():
        logits = head(features)
        torch.testing.assert_close(head(30 * features), logits, atol=1e-4, rtol=0)
        head.weight.mul_(torch.rand(4, 1) + 0.5)
        torch.testing.assert_close(head(features), logits, atol=1e-4, rtol=0)
    assert logits.abs().max() <= 7.001


def test_the_sources_features_stay_as_they_are():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    model = CosineHead(recipe=SHORT).fit(X[:8], y[:8], source=taught)
    np.testing.assert_array_equal(model.embed(X), taught.embed(X))
    assert model.history_.losses[-1][0] < model.history_.losses[0][0]


# --- the cell ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", CELL)
def test_one_example_a_class_is_enough(method):
    X, y = rows(200)
    few = Domain(X[:4] + 0.1, y[:4])
    recipe = Recipe(least_steps=200, epochs=5, learning_rate=0.01)
    model = method(network=NET, recipe=recipe).fit(few, source=Domain(X, y))
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize("method", CELL)
def test_a_class_of_its_own_may_be_the_targets(method):
    if method.needs.same_labels:
        pytest.skip("its labels must be the source's")
    X, y = rows()
    names = np.array(["ape", "bee", "cat", "dog"])
    model = method(network=NET, recipe=SHORT).fit(X[:8], names[y[:8]], source=Domain(X, y))
    assert set(model.predict(X)) <= set(names)
    again = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=model)  # whatever its last layer is
    assert again.predict(X).shape == (60,)


@pytest.mark.parametrize("method", [Prototypes, CosineHead])
def test_numbers_are_refused(method, monkeypatch):
    monkeypatch.setattr("fourfold.training.loop._Loop.run", None)
    X, _ = rows()
    with pytest.raises(DataError, match="must have classes to learn; got a regressor's labels"):
        method(network=NET).fit(X[:8], X[:8, 0] * 0.7, source=Domain(X, X[:, 0] * 0.7))


@pytest.mark.parametrize("method", [Prototypes, CosineHead])
def test_they_beat_the_target_alone_with_one_label_a_class(method):
    found = gains(method, shots=1, seeds=5, recipe=Recipe(epochs=5, least_steps=60))
    assert min(found) > 0.05, found
