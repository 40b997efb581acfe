"""L2-SP pulls weights to the source's: ridge regression for a linear model, fine-tuning without."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import L2SP, Domain, load, save
from fourfold.errors import ParameterError
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.networks.mlp import Flat
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import LONG, NET, PREPARED, SHORT, moved, weights
from samples import gains, rows


def test_of_a_linear_model_it_is_ridge_regression_towards_the_source():
    """Least squares with α/2·‖w − w⁰‖² on weight and bias has a closed form."""
    X, _ = rows(40)
    rng = np.random.default_rng(1)
    y = X @ rng.normal(size=5) + 0.1 * rng.normal(size=40)
    plain = {"network": Flat(), "recipe": LONG}
    taught = TargetOnly(**plain).fit(X, y + X[:, 0])
    few = Domain(X[:12], y[:12])
    alpha = 0.3
    model = L2SP(alpha=alpha, **plain).fit(few, source=taught)
    ready = model.embed(X[:12]).astype(float)
    A = np.column_stack([ready, np.ones(12)])
    z = model.task_.encode(few)[:, 0].numpy().astype(float)
    start = np.append(model.start_["head.weight"][0], model.start_["head.bias"]).astype(float)
    wanted = start + np.linalg.solve(
        2 / 12 * A.T @ A + alpha * np.eye(6), 2 / 12 * A.T @ (z - A @ start)
    )
    head = model.model_.head
    got = np.append(head.weight.detach()[0], head.bias.detach())
    np.testing.assert_allclose(got, wanted, atol=2e-4)
    assert np.abs(wanted - start).max() > 0.05


def test_a_fresh_head_is_pulled_to_zero_and_the_body_to_its_start():
    X, y = rows()
    source = Domain(X, y)
    few = Domain(X[:8], [7, 9] * 4)  # other classes: the head is fresh
    strong = {"network": NET, "recipe": LONG}
    drawn = L2SP(alpha=0.0, beta=3.0, **strong).fit(few, source=source)
    held = L2SP(alpha=5.0, beta=0.0, **strong).fit(few, source=source)
    assert set(held.start_) == {name for name, _ in held.model_.body.named_parameters()}
    free = L2SP(alpha=0.0, beta=0.0, **strong).fit(few, source=source)
    head = [model.model_.head.weight.detach().norm() for model in (drawn, free)]
    assert head[0] < 0.3 * head[1]
    now = [
        {name.removeprefix("body."): w for name, w in weights(model).items()}
        for model in (held, free)
    ]
    away = [moved(model.start_, w) for model, w in zip((held, free), now, strict=True)]
    assert away[0] < 0.3 * away[1]


def test_the_start_is_a_copy_of_the_source_and_saved_with_the_model(tmp_path):
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": SHORT, "prepare": PREPARED}
    taught = SourceOnly(**common).fit(X, source=source)
    model = L2SP(alpha=0.01, **common).fit(X[:8], y[::-1][:8], source=source)
    for name, w in taught.model_.named_parameters():
        assert torch.equal(model.start_[name], w)
        assert not torch.equal(dict(model.model_.named_parameters())[name], w)
    again = load(save(model, tmp_path / "model"))
    assert all(torch.equal(again.start_[name], w) for name, w in model.start_.items())
    assert again.start_.keys() == model.start_.keys()


def test_without_penalty_it_is_fine_tuning():
    X, y = rows()
    source = Domain(X, y)
    plain = FineTune(network=NET, recipe=SHORT, decay=1.0).fit(X[:8], y[:8], source=source)
    free = L2SP(network=NET, recipe=SHORT, alpha=0.0).fit(X[:8], y[:8], source=source)
    np.testing.assert_allclose(free.outputs(X), plain.outputs(X), atol=1e-4)


def test_by_default_the_penalty_counts_less_the_more_labels_there_are():
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": SHORT, "prepare": PREPARED}
    for n in (8, 20):
        default = L2SP(**common).fit(X[:n], y[:n], source=source)
        asked = L2SP(alpha=1 / n, **common).fit(X[:n], y[:n], source=source)
        np.testing.assert_array_equal(default.outputs(X), asked.outputs(X))


def test_fisher_lets_weights_move_that_the_source_does_not_need():
    """An input that is always 0 in the source has no information; its weights are free."""
    X, y = rows()
    X[:, 4] = 0
    few = rows(12, seed=2)[0]
    source = Domain(X, y)
    options = {"network": Mlp(hidden_layer_sizes=(6,)), "recipe": LONG, "alpha": 0.5}
    labels = (few[:, 4] > 0).astype(int)
    away = {}
    for fisher in (False, True):
        model = L2SP(fisher=fisher, **options).fit(few, labels, source=source)
        step = model.model_.body.fc1[0].weight.detach() - model.start_["body.fc1.0.weight"]
        away[fisher] = step.abs().mean(0)
    assert away[True][4] > 2 * away[False][4]


def test_fisher_needs_the_sources_data():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    with pytest.raises(ParameterError, match="fisher=True must have the source's data"):
        L2SP(fisher=True).fit(X, y, source=taught)


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(L2SP, shots=2, seeds=3, recipe=Recipe(epochs=10, min_steps=60))
    assert min(found) > 0.1, found
