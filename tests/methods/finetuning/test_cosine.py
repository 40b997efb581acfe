"""A last layer of cosines compares features and class vectors by angle alone."""

from __future__ import annotations

import numpy as np
import torch

from fourfold import CosineHead, Domain
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import NET, SHORT
from samples import gains, rows


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


def test_it_beats_the_target_alone_with_one_label_a_class():
    found = gains(CosineHead, shots=1, seeds=5, recipe=Recipe(epochs=5, min_steps=60))
    assert min(found) > 0.05, found
