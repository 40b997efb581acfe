"""A network that is cut computes the same, with the same parameters, in both modes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from fourfold.errors import ParameterError
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.frozen import Frozen
from fourfold.networks.cut import Cut, cut, headless, layers, split


class Plain(nn.Module):
    """Its named children run in sequence."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5))
        self.act = nn.Tanh()
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.act(self.body(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(x + self.inner(x))


class Residual(nn.Module):
    """With a skip connection, a functional dropout, a parameter of its own, a shared layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(4, 4)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.scale = nn.Parameter(torch.full((4,), 2.0))
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x, scale=None):
        rows = x.size(0)
        x = self.norm(self.stem(x))
        for block in self.blocks:
            x = block(x)
        if scale is None:
            x = x * self.scale
        x = functional.dropout(x, 0.5, training=self.training)
        return self.head(self.norm(x).view(rows, -1))


def resnet18():
    torchvision = pytest.importorskip("torchvision", reason="the extra image is not installed")
    return torchvision.models.resnet18()


def timm_resnet18():
    timm = pytest.importorskip("timm", reason="the extra image is not installed")
    return timm.create_model("resnet18", pretrained=False, drop_rate=0.3)


def efficientnet_lite0():
    reason = "the extra bench is not installed"
    lite = pytest.importorskip("efficientnet_lite_pytorch", reason=reason)
    return lite.EfficientNet.from_name("efficientnet-lite0")


SMALL = {"plain": Plain, "residual": Residual}
LARGE = {
    "resnet18": (resnet18, ["relu", "layer2", "layer4.0", "avgpool"]),
    "timm resnet18": (timm_resnet18, ["maxpool", "layer3.1.act2", "global_pool"]),
    "efficientnet-lite0": (efficientnet_lite0, ["_blocks.4", "_bn1", "_avg_pooling"]),
}


def made(maker):
    torch.manual_seed(0)
    return maker()


def seeded(module, x):
    torch.manual_seed(1)
    return module(x)


def check(network, at, x):
    """Both parts compute what the network does, in either mode, with its own parameters."""
    lower, upper = split(network, at)
    mine = {name: id(p) for name, p in network.named_parameters()}
    parts = dict(lower.named_parameters()) | dict(upper.named_parameters())
    assert {name: id(p) for name, p in parts.items()} == mine
    for mode in (True, False):
        state = copy.deepcopy(network.state_dict())
        for part in (network, lower, upper):
            part.train(mode)
        right = seeded(network, x)
        network.load_state_dict(state)  # batch norm has counted
        torch.testing.assert_close(seeded(nn.Sequential(lower, upper), x), right)
        network.load_state_dict(state)


@pytest.mark.parametrize("name", SMALL)
def test_a_cut_anywhere_changes_nothing(name):
    network = made(SMALL[name])
    x = torch.randn(8, 4)
    names = layers(network)
    assert len(names) >= 5
    for at in names:
        check(network, at, x)


@pytest.mark.parametrize("name", LARGE)
def test_a_cut_of_a_real_network_changes_nothing(name):
    maker, places = LARGE[name]
    network = made(maker)
    assert set(places) <= set(layers(network))
    x = torch.randn(2, 3, 32, 32)
    for at in places:
        check(network, at, x)


def test_the_layers_are_named_from_input_to_output():
    assert layers(Plain()) == ["body.0", "body.1", "body.2", "body", "act", "head"]
    names = ["stem", "blocks.0.act", "blocks.0", "blocks.1.act", "blocks.1", "norm", "head"]
    assert layers(Residual()) == names  # the norm runs twice


def test_what_runs_in_sequence_is_split_into_sequences():
    lower, upper = split(Plain(), "body.1")
    assert type(lower) is type(upper) is nn.Sequential
    assert [name for name, _ in lower.named_modules()] == ["", "body", "body.0", "body.1"]
    assert [name for name, _ in upper.named_children()] == ["body", "act", "head"]
    assert [name for name, _ in upper[0].named_children()] == ["2"]


def test_a_cut_at_the_end_leaves_nothing_above():
    network = Plain()
    x = torch.randn(3, 4)
    lower, upper = split(network, "head")
    assert list(upper.parameters()) == []
    torch.testing.assert_close(upper(lower(x)), network(x))


def test_the_networks_modes_are_kept():
    network = Residual().eval()
    network.norm.train()
    lower, upper = split(network, "blocks.0")
    assert not lower.training
    assert not upper.training
    assert network.norm.training
    assert not network.training


def test_a_name_that_does_not_exist_gets_the_closest():
    with pytest.raises(ParameterError, match=r"got 'block\.0'; near it: blocks\.0"):
        split(Residual(), "block.0")


def test_a_layer_that_a_path_leads_around_gets_the_nearest_others():
    message = r"not all pass 'blocks\.1\.inner'; it can be cut at blocks\.0, blocks\.1\.act"
    with pytest.raises(ParameterError, match=message):
        split(Residual(), "blocks.1.inner")


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


class ModeDependent(Branching):
    def forward(self, x):
        return self.layer(x) if self.training else x


@pytest.mark.parametrize(
    ("network", "message"),
    [(Branching(), "must be traceable"), (ModeDependent(), "the same in training and in eval")],
)
def test_a_forward_that_chooses_its_way_is_refused(network, message):
    with pytest.raises(ParameterError, match=message):
        split(network, "layer")


def test_below_the_cut_nothing_trains():
    network = made(Residual)
    parts = cut(network, "blocks.0", engine="torch", taps=["stem"])
    assert isinstance(parts, Cut)
    assert isinstance(parts.frozen, Frozen)
    assert parts.frozen.names == ("stem", "output")
    parts.train()
    assert parts.rest.training
    assert not parts.frozen.training
    x = torch.randn(8, 4)
    before = parts.frozen(x)
    optimizer = torch.optim.SGD([p for p in parts.parameters() if p.requires_grad], 0.1)
    parts(x).square().sum().backward()
    optimizer.step()
    torch.testing.assert_close(parts.frozen(x), before, rtol=0, atol=0)
    assert network.head.weight.grad is not None
    assert network.stem.weight.grad is None
    assert all(p.requires_grad for p in network.parameters())


def test_a_started_engine_does_not_change_what_a_cut_network_is():
    parts = cut(made(Residual), "blocks.0")
    before = fingerprint(parts)
    parts.frozen.compute(torch.randn(3, 4).numpy())
    assert parts.frozen.engine_used is not None
    assert fingerprint(parts) == before


def test_the_lower_part_of_a_traced_network_is_exported():
    parts = cut(made(Residual), "blocks.0")
    x = torch.randn(40, 4)
    values = parts.frozen.compute(x.numpy())["output"]
    assert parts.frozen.engine_used == "onnxruntime"
    torch.testing.assert_close(torch.from_numpy(values), parts.frozen(x), rtol=1e-3, atol=1e-4)
    assert copy.deepcopy(parts.frozen).key == parts.frozen.key
    assert cut(made(Residual), "blocks.0").frozen.key == parts.frozen.key
    assert cut(made(Residual), "blocks.0.act").frozen.key != parts.frozen.key


@pytest.mark.parametrize("name", LARGE)
def test_a_network_without_its_head_has_that_heads_input(name):
    network = made(LARGE[name][0]).eval()
    body, width = headless(network)
    x = torch.randn(2, 3, 32, 32)
    head = [part for part in network.modules() if isinstance(part, nn.Linear)][-1]
    features = body(x)
    assert features.shape == (2, width)
    torch.testing.assert_close(head(features), network(x))


def test_the_head_may_lie_deep_and_the_network_is_not_changed():
    network = nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.ReLU(), nn.Linear(6, 2)))
    body, width = headless(network)
    assert width == 6
    assert isinstance(network[1][1], nn.Linear)
    assert body(torch.ones(1, 4)).shape == (1, 6)
    assert headless(nn.Linear(3, 2))[1] == 3


def test_a_last_layer_that_is_no_linear_is_refused():
    with pytest.raises(ParameterError, match="must be a Linear, to be taken off; got a ReLU"):
        headless(nn.Sequential(nn.Linear(4, 6), nn.ReLU()))
