"""Networks are built for the rows they get."""

from __future__ import annotations

import pytest
import torch
from sklearn.base import clone
from torch import nn

from fourfold.errors import DataError, ParameterError
from fourfold.networks import (
    BUILDERS,
    Body,
    Builder,
    ConvNet,
    Mlp,
    as_body,
    builder_of,
    choose,
    named,
)
from fourfold.training.norms import BatchNorm1d, BatchNorm2d

BUILT = [
    (Mlp(), (7,), 64),
    (Mlp(widths=()), (7,), 7),
    (Mlp(widths=()), (3, 4), 12),
    (Mlp(widths=(5,), batch_norm=True, dropout=0.2), (2, 3, 4), 5),
    (ConvNet(), (1, 28, 28), 100),
    (ConvNet(), (3, 8, 8), 100),
    (ConvNet(), (3, 40, 17), 100),
    (ConvNet(channels=(4, 5, 6), widths=(), batch_norm=True), (3, 32, 32), 6 * 4 * 4),
    (ConvNet(kernel=4, channels=(4,), widths=(9,)), (1, 9, 9), 9),
]


@pytest.mark.parametrize(("builder", "shape", "width"), BUILT)
def test_a_network_gives_features_of_its_width(builder, shape, width):
    builder.check()
    body = builder.build(shape)
    assert body.width == width
    assert body.training
    assert body(torch.randn(3, *shape)).shape == (3, width)
    assert body.tap in dict(body.named_children())
    assert not any(p.is_inference() for p in body.parameters())


def test_the_digit_network_is_the_papers():
    body = ConvNet().build((3, 28, 28))
    shapes = {name: tuple(p.shape) for name, p in body.named_parameters() if p.ndim > 1}
    assert list(shapes.values()) == [(32, 3, 5, 5), (48, 32, 5, 5), (100, 768), (100, 100)]
    assert body.tap == "conv2"
    assert body.conv1(torch.randn(1, 3, 28, 28)).shape == (1, 32, 12, 12)
    assert body.conv2(torch.randn(1, 32, 12, 12)).shape == (1, 768)


def test_pooling_before_the_relu_changes_nothing():
    stage = ConvNet(widths=()).build((1, 28, 28)).conv1
    x = torch.randn(2, 1, 28, 28)
    expected = nn.functional.max_pool2d(stage[0](x).relu(), 2)
    torch.testing.assert_close(stage(x), expected, rtol=0, atol=0)


def test_options_put_layers_in():
    def kinds(builder, shape):
        return [type(m) for m in builder.build(shape).modules()]

    assert kinds(Mlp(widths=(4, 3), batch_norm=True), (2,)).count(BatchNorm1d) == 2
    assert kinds(Mlp(widths=(4, 3), dropout=0.5), (2,)).count(nn.Dropout) == 2
    assert kinds(ConvNet(batch_norm=True), (1, 28, 28)).count(BatchNorm2d) == 2
    assert not {BatchNorm1d, BatchNorm2d, nn.Dropout} & set(kinds(ConvNet(), (1, 28, 28)))


def test_the_seed_makes_the_weights():
    torch.manual_seed(1)
    first = Mlp().build((4,)).state_dict()
    torch.manual_seed(1)
    again = Mlp().build((4,)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize(
    ("builder", "shape", "message"),
    [
        (ConvNet(), (64,), r"a convnet must get rows of \(C, H, W\); got rows of shape \(64,\)"),
        (ConvNet(kernel=9), (1, 8, 8), r"large enough for 2 convolutions; got \(8, 8\)"),
        (ConvNet(channels=(4,) * 5), (1, 8, 8), "large enough for 5 convolutions"),
    ],
)
def test_rows_that_do_not_fit_are_refused(builder, shape, message):
    with pytest.raises(DataError, match=message):
        builder.build(shape)


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (ConvNet(channels=(0,)), "channels of ConvNet must be a tuple, of which each item"),
        (Mlp(dropout=1.0), r"dropout of Mlp must lie in \[0, 1\)"),
        (Mlp(widths=(3.5,)), "a whole number"),
    ],
)
def test_wrong_parameters_are_refused(builder, message):
    with pytest.raises(ParameterError, match=message):
        builder.check()


def test_a_convnet_has_convolutions():
    with pytest.raises(ParameterError, match="at least one convolution"):
        ConvNet(channels=()).build((1, 28, 28))


def test_builders_are_cloned_and_found_by_their_class_name():
    for builder in (Mlp(widths=(3,)), ConvNet(kernel=3)):
        again = BUILDERS[type(builder).__name__](**builder.get_params())
        assert clone(again).get_params() == builder.get_params()
        assert builder.bare() is builder


# --- choice --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("shape", [(10,), (28, 28), (3, 4, 4), (2, 8, 7)])
def test_all_else_gets_an_mlp(shape):
    assert isinstance(choose(shape), Mlp)


def test_names():
    assert isinstance(named("mlp"), Mlp)
    assert isinstance(named("convnet"), ConvNet)
    with pytest.raises(ParameterError, match="must be 'mlp', 'convnet' or 'timm:NAME'; got 'lstm'"):
        named("lstm")
    mine = Mlp(widths=(2,))
    assert builder_of(mine, (4,)) is mine
    assert isinstance(builder_of("mlp", (1, 28, 28)), Mlp)
    assert isinstance(builder_of(None, (1, 28, 28)), ConvNet)
    with pytest.raises(TypeError, match="abstract"):
        Builder()


# --- any module ----------------------------------------------------------------------------------


def test_any_module_is_a_body():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    body = as_body(module, (1, 6, 6))
    assert body.width == 2 * 4 * 4
    assert body.tap == "network"
    assert body.network is module
    assert module.training
    assert module[1].num_batches_tracked == 0
    assert body(torch.randn(3, 1, 6, 6)).shape == (3, 32)
    assert as_body(body, (1, 6, 6)) is body


def test_a_flat_module_gets_no_flattening():
    assert list(dict(as_body(nn.Linear(4, 3), (4,)).named_children())) == ["network"]


def test_lazy_layers_can_be_trained_afterwards():
    module = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    body = as_body(module, (5,))
    body(torch.randn(4, 5)).sum().backward()
    assert module[0].weight.grad.shape == (3, 5)


class Picky(nn.Module):
    def forward(self, x):
        assert x.shape[1] == 9, "rows must be nine long"
        return x


@pytest.mark.parametrize(("module", "why"), [(nn.Linear(3, 2), "mat1"), (Picky(), "nine long")])
def test_a_module_that_does_not_take_the_rows_is_refused(module, why):
    with pytest.raises(DataError, match=rf"must take rows of shape \(4,\); got: .*{why}"):
        as_body(module, (4,))
    assert module.training


def test_a_body_stands_on_another_stage():
    body = Body({"a": nn.Linear(2, 3), "b": nn.ReLU()}, 3, "a")
    under = body.under(nn.Flatten())
    assert [name for name, _ in under.named_children()] == ["prepare", "a", "b"]
    assert (under.width, under.tap) == (3, "a")
    assert under.a is body.a
