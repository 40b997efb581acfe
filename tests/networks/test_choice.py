"""A network is chosen by its name or by the shape of the rows."""

from __future__ import annotations

import pytest
import torch

from fourfold.errors import ParameterError
from fourfold.networks import ConvNet, ConvNet1d, Listener, Mlp, builder_of, choose, named


@pytest.mark.parametrize(
    ("shape", "convolutions"),
    [((1, 8, 8), 2), ((3, 32, 32), 2), ((3, 64, 64), 3), ((3, 224, 224), 5), ((1, 400, 600), 6)],
)
def test_pictures_get_a_convnet_that_comes_down_to_a_few_pixels(shape, convolutions):
    chosen = choose(shape)
    assert isinstance(chosen, ConvNet)
    assert len(chosen.channels) == convolutions
    assert chosen.batch_norm
    body = chosen.build(shape)
    x = torch.randn(1, *shape)
    for name, stage in body.eval().named_children():
        if name == f"conv{convolutions}":
            side = stage[:-1](x).shape[2]
            break
        x = stage(x)
    assert 2 <= side <= 8


@pytest.mark.parametrize("shape", [(10,), (28, 12), (3, 4, 4), (2, 8, 7)])
def test_all_else_gets_an_mlp(shape):
    assert isinstance(choose(shape), Mlp)


@pytest.mark.parametrize(("steps", "convolutions"), [(16, 2), (64, 3), (1000, 6), (10**6, 6)])
def test_series_get_convolutions_over_time(steps, convolutions):
    chosen = choose((3, steps))
    assert isinstance(chosen, ConvNet1d)
    assert len(chosen.channels) == convolutions


def test_names():
    assert isinstance(named("mlp"), Mlp)
    assert isinstance(named("convnet"), ConvNet)
    assert isinstance(named("conv1d"), ConvNet1d)
    assert isinstance(named("listener"), Listener)
    with pytest.raises(ParameterError, match=r"or a pretrained one, 'timm:NAME', .*; got 'lstm'"):
        named("lstm")
    mine = Mlp(hidden_layer_sizes=(2,))
    assert builder_of(mine, (4,)) is mine
    assert isinstance(builder_of("mlp", (1, 28, 28)), Mlp)
    assert isinstance(builder_of(None, (1, 28, 28)), ConvNet)
