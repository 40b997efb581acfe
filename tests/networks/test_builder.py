"""Builders are estimators and build bodies, whose stages have names."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

from fourfold.errors import DataError, ParameterError
from fourfold.frozen.fingerprint import fingerprint
from fourfold.networks import BUILDERS, Body, Builder, ConvNet, ConvNet1d, Flat, Mlp, as_body
from fourfold.networks.builder import stages
from fourfold.training.norms import BatchNorm1d, BatchNorm2d

BUILT = [
    (Mlp(), (7,), 64),
    (Mlp(hidden_layer_sizes=()), (7,), 7),
    (Mlp(hidden_layer_sizes=()), (3, 4), 12),
    (Flat(), (7,), 7),
    (Flat(), (3, 4), 12),
    (Mlp(hidden_layer_sizes=(5,), batch_norm=True, dropout=0.2), (2, 3, 4), 5),
    (ConvNet(), (1, 28, 28), 100),
    (ConvNet(), (3, 8, 8), 100),
    (ConvNet(), (3, 40, 17), 100),
    (ConvNet(channels=(4, 5, 6), hidden_layer_sizes=(), batch_norm=True), (3, 32, 32), 6 * 4 * 4),
    (ConvNet1d(), (2, 8), 100),
    (ConvNet1d(channels=(4,), hidden_layer_sizes=()), (2, 21), 8),
    (ConvNet(kernel=4, channels=(4,), hidden_layer_sizes=(9,)), (1, 9, 9), 9),
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


def test_options_put_layers_in():
    def kinds(builder, shape):
        return [type(m) for m in builder.build(shape).modules()]

    assert kinds(Mlp(hidden_layer_sizes=(4, 3), batch_norm=True), (2,)).count(BatchNorm1d) == 2
    assert kinds(Mlp(hidden_layer_sizes=(4, 3), dropout=0.5), (2,)).count(nn.Dropout) == 2
    assert kinds(ConvNet(batch_norm=True), (1, 28, 28)).count(BatchNorm2d) == 2
    assert not {BatchNorm1d, BatchNorm2d, nn.Dropout} & set(kinds(ConvNet(), (1, 28, 28)))


def test_the_seed_makes_the_weights():
    torch.manual_seed(1)
    first = Mlp().build((4,)).state_dict()
    torch.manual_seed(1)
    again = Mlp().build((4,)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (ConvNet(channels=(0,)), "channels of ConvNet must be a tuple, of which each item"),
        (Mlp(dropout=1.0), r"dropout of Mlp must lie in \[0, 1\)"),
        (Mlp(hidden_layer_sizes=(3.5,)), "a whole number"),
    ],
)
def test_wrong_parameters_are_refused(builder, message):
    with pytest.raises(ParameterError, match=message):
        builder.check()


# --- bodies --------------------------------------------------------------------------------------


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


def test_a_builder_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Builder()


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - {"Architecture", "Pretrained"}))
def test_a_body_remembers_its_builder(name):
    builder = BUILDERS[name]()
    shapes = {"ConvNet": (3, 32, 32), "ConvNet1d": (3, 32), "Listener": (40, 30)}
    shape = shapes.get(name, (7,))
    body = builder.build(shape)
    stream = io.BytesIO()
    torch.save(body, stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=False)
    for same in (body, body.bare(), body.under(nn.Identity()), copy.deepcopy(body), loaded):
        assert type(same.builder) is type(builder)
        assert repr(same.builder) == repr(builder)
    assert list(body.state_dict()) == list(body.builder.build(shape).state_dict())


def test_a_body_of_a_users_module_has_no_builder():
    assert as_body(nn.Linear(4, 3), (4,)).builder is None
    assert Body({"a": nn.Linear(2, 3)}, 3).builder is None


def test_the_builder_is_no_part_of_what_a_body_computes():
    torch.manual_seed(0)
    body = Mlp(hidden_layer_sizes=(3,)).build((2,))
    alone = Body(dict(body.named_children()), body.width, body.tap)
    assert alone.builder is None
    assert fingerprint(alone) == fingerprint(body)
    assert dict(alone.named_modules()).keys() == dict(body.named_modules()).keys()


def test_of_a_body_they_are_its_parts_with_weights():
    body = ConvNet(hidden_layer_sizes=(20,)).build((1, 28, 28)).under(nn.Flatten(2))
    assert list(stages(body)) == ["conv1", "conv2", "fc1"]
    assert stages(body)["fc1"] is body.fc1


def test_a_single_module_is_looked_into():
    inner = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    found = stages(as_body(inner, (3,)))
    assert list(found) == ["network.0", "network.2"]
    assert all(as_body(inner, (3,)).get_submodule(name) is part for name, part in found.items())


def test_one_layer_is_one_stage():
    assert list(stages(nn.Sequential(nn.Linear(3, 4)))) == ["0"]
