"""Label embedding: its closed form is the ridge, and training lessens violations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import LabelEmbedding, RidgeToDescriptions
from fourfold.training.recipe import Recipe
from methods.zeroshot.worlds import parted


def test_squared_loss_with_fixed_labels_is_ridge():
    source, target, _ = parted()
    n = source.n_rows
    model = LabelEmbedding(loss="squared", alpha=0.2).fit(target, source=source)
    same = RidgeToDescriptions(alpha=0.2 * n).fit(target, source=source)
    np.testing.assert_allclose(model.outputs(target.rows), same.outputs(target.rows), atol=1e-5)


@pytest.mark.parametrize("labels", ["fixed", "learned"])
def test_training_lessens_the_violations(labels):
    source, target, _ = parted(noise=1.0)
    recipe = Recipe(epochs=20, learning_rate=0.01)
    model = LabelEmbedding(labels=labels, margin=0.5, recipe=recipe).fit(target, source=source)
    losses = [epoch[0] for epoch in model.history_.losses]
    assert losses[-1] < 0.9 * losses[0]
    f = model.model_.head.embed_inputs(torch.from_numpy(model.embed(target.rows)))
    np.testing.assert_allclose(f.detach().norm(dim=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.model_.head.labels.norm(dim=1), 1, atol=1e-5)
