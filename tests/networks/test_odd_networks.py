"""Networks that return something else than a tensor are refused before any training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain, FineTune, Recipe, Study, TargetOnly
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import Store
from small_networks import drawings

X, Y = drawings(16)
PICTURES = np.moveaxis(X, -1, 1).astype(np.float32) / 255
RECIPE = Recipe(steps=2, batch_size=8)


class Answers(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        self.layer, self.last, self.wrap = nn.Linear(3, 4), nn.Linear(4, 2), wrap

    def forward(self, x):
        return self.wrap(self.last(self.layer(x.float().flatten(2).mean(2))))


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda x: (x, x), "got a tuple: wrap it"),
        (lambda x: {"logits": x, "states": x}, "got a dict with logits, states: wrap it"),
        (lambda _: None, "got a NoneType: wrap it"),
    ],
)
def test_a_network_that_returns_no_tensor(wrap, said):
    for method in (
        TargetOnly(network=Answers(wrap), recipe=RECIPE),
        FineTune(network=Answers(wrap), recipe=RECIPE),
    ):
        source = {} if isinstance(method, TargetOnly) else {"source": Domain(PICTURES, Y)}
        with pytest.raises(DataError, match=rf"must return one tensor, .*{said}"):
            method.fit(PICTURES, Y, **source)


def test_a_sequence_of_frozen_and_trained_layers_trains_the_trained_ones():
    lower = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.ReLU())
    network = nn.Sequential(Frozen(lower, engine="torch"), nn.Flatten(), nn.Linear(100, 8))
    model = TargetOnly(network=network, recipe=RECIPE).fit(PICTURES, Y)
    body = model.model_.body.state_dict()
    moved = [name for name, value in network.state_dict().items()
             if not any(torch.equal(value, other) for other in body.values())]  # fmt: skip
    assert moved
    assert all(name.startswith("2.") for name in moved)


def test_a_prefix_with_a_typo_names_the_known_ones(tmp_path):
    with pytest.raises(ParameterError, match=r"'timm:NAME', .*; got 'tim:resnet18'"):
        Study(None, Domain(X, Y), network="tim:resnet18", output=tmp_path / "study",
              store=Store(tmp_path / "store"))  # fmt: skip
