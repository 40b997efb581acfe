"""The last layer starts from the source's where it has every output of the target."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import Domain
from fourfold.errors import DataError
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe
from samples import noise

SHORT = Recipe(epochs=2, batch_size=16, min_steps=6)
STILL = Recipe(epochs=1, min_steps=1, learning_rate=1e-12, weight_decay=0.0)
"""So slow that weights stay where they start."""
NET = Mlp(hidden_layer_sizes=(6, 5))


def test_head_rows_are_carried_over_in_the_targets_order():
    X, y = noise()
    names = np.array(["ape", "bee", "cat", "dog"])
    source = Domain(X, names[y])
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=source)
    target = Domain(X[:4], ["dog", "bee", "dog", "bee"])
    model = FineTune(recipe=STILL).fit(target, source=taught)
    assert model.classes_.tolist() == ["bee", "dog"]
    for name, value in taught.model_.head.state_dict().items():
        assert torch.allclose(model.model_.head.state_dict()[name], value[[1, 3]], atol=1e-6)
    np.testing.assert_allclose(model.outputs(X), taught.outputs(X)[:, [1, 3]], atol=1e-5)


@pytest.mark.parametrize("head", ["auto", "new"])
def test_otherwise_the_head_is_new(head):
    X, y = noise()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, y))
    labels = [0, 9, 0, 9] if head == "auto" else [0, 1, 0, 1]
    model = FineTune(recipe=STILL, head=head).fit(X[:4], labels, source=taught)
    old, new = taught.model_.head.weight, model.model_.head.weight
    assert new.shape == (2, 5)
    assert not torch.isclose(new[0], old[0], atol=1e-4).all()


def test_a_head_that_the_source_does_not_have_is_refused():
    X, y = noise()
    with pytest.raises(DataError, match="must be linear, and have every class of the target"):
        FineTune(network=NET, recipe=SHORT, head="source").fit(
            X[:4], [0, 9, 0, 9], source=Domain(X, y)
        )


@pytest.mark.parametrize("several", [False, True])
def test_a_regressions_head_keeps_its_answers_where_units_are_the_same(several):
    X, _ = noise()
    y = X[:, :2] * [3.0, 1.0] + [100.0, -5.0] if several else X[:, 0] * 3 + 100.5
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, y))
    answers = taught.predict(X[:3])  # right already, so that nothing is to be moved
    model = FineTune(recipe=STILL).fit(X[:3], answers, source=taught)
    assert not np.allclose(model.task_.scale_, taught.task_.scale_, rtol=0.5)
    np.testing.assert_allclose(model.predict(X), taught.predict(X), rtol=1e-4, atol=1e-3)
    assert model.findings_ == []


@pytest.mark.parametrize("several", [False, True])
def test_a_regressions_head_is_refitted_to_the_targets_units(several):
    X, _ = noise()
    y = X[:, :2] * [3.0, 1.0] + [100.0, -5.0] if several else X[:, 0] * 3 + 100.5
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, y))
    fahrenheit = 1.8 * taught.predict(X) + 32
    model = FineTune(recipe=STILL).fit(X[:6], fahrenheit[:6], source=taught)
    np.testing.assert_allclose(model.predict(X), fahrenheit, rtol=1e-3)
    (found,) = model.findings_
    assert all(text == "1.8 × the source's prediction +32" for text in found.values.values())
    assert len(found.values) == 1 + several


def test_a_regression_with_other_outputs_gets_a_new_head():
    X, _ = noise()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, X[:, 0] * 3.3))
    model = FineTune(recipe=STILL).fit(X[:6], X[:6, :2] * 1.7, source=taught)
    assert model.predict(X).shape == (40, 2)
    with pytest.raises(DataError, match="or as many numbers or answers"):
        FineTune(recipe=STILL, head="source").fit(X[:6], X[:6, :2] * 1.7, source=taught)
