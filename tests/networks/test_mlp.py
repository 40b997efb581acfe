"""Flat is an MLP without layers, stage by stage."""

from __future__ import annotations

import pytest
import torch

from fourfold.networks import Flat, Mlp
from fourfold.networks.mlp import flattened


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
def test_it_is_an_mlp_without_layers(shape):
    flat, mlp = Flat().build(shape), Mlp(hidden_layer_sizes=()).build(shape)
    x = torch.randn(5, *shape)
    assert torch.equal(flat(x), x.flatten(1))
    assert torch.equal(mlp(x), x.flatten(1))
    assert [(n, type(p)) for n, p in flat.named_children()] == [
        (n, type(p)) for n, p in mlp.named_children()
    ]
    assert (flat.width, flat.tap) == (mlp.width, mlp.tap)
    assert not flat.state_dict()


def test_only_rows_of_several_dimensions_are_flattened():
    assert list(flattened((3, 4))) == ["flatten"]
    assert flattened((12,)) == {}
