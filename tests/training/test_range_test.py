"""The range test finds a rate by the training loss, and leaves no trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

X = torch.linspace(-1, 1, 64)[:, None]
Y = X + 0.3 * torch.randn(64, 1, generator=torch.Generator().manual_seed(0))


def trained(rate, *, curvature=1.0, **settings):
    """Fit a line by SGD, where rates over 2/curvature diverge."""
    torch.manual_seed(0)
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)

    def loss(_t, batch):
        return curvature * 1.5 * ((module(batch.x) - batch.y) ** 2).mean()

    recipe = Recipe(
        optimizer="sgd", momentum=0.0, learning_rate=rate, weight_decay=0.0, batch_size=8,
        schedule="constant", **{"steps": 3, **settings},
    )  # fmt: skip
    history = minimize(module, Phase(loss, module), Table(X, Y), recipe=recipe)
    return history, float(module.weight.detach())


@pytest.mark.parametrize("curvature", [0.01, 1.0, 100.0])
def test_the_rate_follows_the_curvature(curvature):
    history, _ = trained(1 / curvature, curvature=curvature, range_test=True)
    assert 0.02 < history.learning_rate * curvature < 0.4  # a tenth of what still converges


def test_a_rate_that_is_too_small_is_raised_and_one_too_large_lowered():
    assert trained(0.01, range_test=True)[0].learning_rate > 0.05
    assert trained(3.0, range_test=True)[0].learning_rate < 0.4


def test_training_begins_where_it_would_have_begun():
    history, weight = trained(0.2, range_test=True)
    alone, expected = trained(history.learning_rate)
    assert weight == pytest.approx(expected)
    assert [loss for (loss,) in history.losses] == pytest.approx([a for (a,) in alone.losses])
    assert alone.learning_rate is None
