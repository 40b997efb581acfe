"""Columns: the equation, where they are joined, and that old ones never change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fourfold.core.serialization import from_plain, to_plain
from fourfold.errors import ParameterError
from fourfold.frozen.taps import Tapped
from fourfold.networks import BUILDERS, ConvNet, Mlp, as_body
from fourfold.networks.columns import END, Column, ColumnNetwork, ColumnStack, joints, new_column

NET = Mlp(hidden_layer_sizes=(6, 5))
PICTURE = (1, 12, 12)


def column(builder=NET, shape=(4,)):
    return Column(builder.build(shape))


def loud(new):
    """Give every adapter something to say."""
    for name, weights in new.named_parameters():
        if "widen" in name:
            nn.init.normal_(weights)
    return new


def test_a_new_column_starts_as_if_it_were_alone():
    old, body, x = column(), NET.build((4,)), torch.randn(3, 4)
    joined = ColumnNetwork([old, new_column([old], body, (4,))])
    assert torch.equal(joined(x), body(x))


def test_it_computes_the_equation():
    old, x = column(), torch.randn(3, 4)
    new = loud(new_column([old], NET.build((4,)), (4,), adapter_width=2, scale=0.3))

    def heard(joint, h):
        adapter = new.adapters[0][joint]
        narrow = adapter.narrow.weight @ (adapter.scale * h).T + adapter.narrow.bias[:, None]
        return (adapter.widen.weight @ narrow.relu() + adapter.widen.bias[:, None]).T

    h1 = old.stages.fc1(x)
    h2 = old.stages.fc2(h1)
    k1 = new.stages.fc1(x) + heard("fc1", h1)
    k2 = new.stages.fc2(k1) + heard(END, h2)
    torch.testing.assert_close(ColumnNetwork([old, new])(x), k2)
    assert new.adapters[0]["fc1"].scale.item() == pytest.approx(0.3)
    assert new.adapter_width == 2


def test_planes_are_joined_by_convolutions_and_vectors_by_linear_layers():
    old = column(ConvNet(channels=(3, 4), hidden_layer_sizes=(7,), kernel=3), PICTURE)
    new = new_column(
        [old], ConvNet(channels=(5, 6), hidden_layer_sizes=(8,), kernel=3).build(PICTURE), PICTURE
    )
    assert joints(old.stages) == ["conv1", "conv2", END]
    kinds = {at: type(adapter.narrow) for at, adapter in new.adapters[0].items()}
    assert kinds == {"conv1": nn.Conv2d, "conv2": nn.Linear, END: nn.Linear}  # conv2 flattens
    assert new.adapters[0]["conv1"].narrow.weight.shape == (16, 3, 1, 1)
    assert ColumnNetwork([old, loud(new)])(torch.randn(2, *PICTURE)).shape == (2, 8)


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (Mlp(hidden_layer_sizes=(6, 5)), {END}),
        (
            ConvNet(channels=(3, 4), hidden_layer_sizes=(7,), kernel=1),
            {"conv2", END},
        ),  # larger planes
        (ConvNet(channels=(9,), hidden_layer_sizes=(7,), kernel=3), {END}),  # flat behind conv1
    ],
)
def test_other_networks_are_joined_where_they_fit_and_at_their_end(other, where):
    net = ConvNet(channels=(3, 4), hidden_layer_sizes=(7,), kernel=3)
    old = column(other, PICTURE)
    new = new_column([old], net.build(PICTURE), PICTURE)
    assert set(new.adapters[0]) == where
    assert ColumnNetwork([old, loud(new)])(torch.randn(2, *PICTURE)).shape == (2, 7)


def test_any_module_is_joined_at_its_output():
    old = Column(as_body(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), PICTURE))
    new = new_column(
        [old], as_body(nn.Sequential(nn.Flatten(), nn.Linear(144, 9)), PICTURE), PICTURE
    )
    assert set(new.adapters[0]) == {END}
    assert ColumnNetwork([old, loud(new)])(torch.randn(2, *PICTURE)).shape == (2, 9)


def test_a_column_hears_only_those_from_its_start_on():
    first, second = column(), column()
    third = loud(new_column([first, second], NET.build((4,)), (4,), first_input=1))
    assert third.lateral_inputs == [(1, "fc1"), (1, END)]
    x = torch.randn(3, 4)
    before = ColumnNetwork([first, second, third])(x)
    nn.init.zeros_(first.stages.fc1[0].weight)
    assert torch.equal(ColumnNetwork([first, second, third])(x), before)
    nn.init.zeros_(second.stages.fc1[0].weight)
    assert not torch.allclose(ColumnNetwork([first, second, third])(x), before)


def test_it_is_said_before_anything_is_added():
    """What later columns hear of one is the stage's own value; taps give the same."""
    first = column()
    second = loud(new_column([first], NET.build((4,)), (4,)))
    joined, x = ColumnNetwork([first, second]), torch.randn(3, 4)
    features, every = joined.with_activations(x)
    assert not torch.allclose(every[1][END], features)
    names = [joined.layer_at(j, joint) for j in (0, 1) for joint in ("fc1", END)]
    taps = Tapped(joined, names)(x)
    for tap, value in zip(
        taps, [every[j][at] for j in (0, 1) for at in ("fc1", END)], strict=False
    ):
        assert torch.equal(tap, value)
    assert torch.equal(taps[-1], features)


def test_only_the_newest_column_trains_and_norms_of_the_others_stand_still():
    normed = Mlp(hidden_layer_sizes=(6, 5), batch_norm=True, dropout=0.5)
    old, body = column(normed), normed.build((4,))
    joined = ColumnNetwork([old, new_column([old], body, (4,))], [nn.Linear(5, 2)])
    kept = {name: value.clone() for name, value in old.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in joined.parameters() if p.requires_grad], lr=1.0)
    joined.train()
    joined(torch.randn(20, 4)).square().sum().backward()
    optimizer.step()
    assert joined.column_list[1].training
    assert not any(part.training for part in old.modules())
    for name, value in old.state_dict().items():
        assert torch.equal(value, kept[name]), name
    assert all(p.grad is None for p in [*old.parameters(), *joined.heads.parameters()])
    assert all(p.grad is not None for p in body.parameters())


def test_a_builder_survives_json_and_builds_the_same_parts():
    builder = ColumnStack(
        columns=(NET, Mlp(hidden_layer_sizes=(3,))),
        first_inputs=(0, 0),
        adapter_widths=(1, 4),
        outputs=(2,),
    )
    again = from_plain(to_plain(builder), BUILDERS)
    one, other = builder.build((4,)), again.build((4,))
    assert [(k, v.shape) for k, v in one.state_dict().items()] == [
        (k, v.shape) for k, v in other.state_dict().items()
    ]
    other.load_state_dict(one.state_dict())
    x = torch.randn(3, 4)
    assert torch.equal(one.eval()(x), other.eval()(x))
    assert one.width == 3
    assert repr(builder.bare()) == repr(builder)


def test_building_leaves_modes_as_they_are():
    body = Mlp(hidden_layer_sizes=(6, 5), dropout=0.5).build((4,))
    body.fc1.eval()
    new_column([column()], body, (4,))
    assert body.training
    assert body.fc2.training
    assert not body.fc1.training


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_inputs": (0,)},
        {"adapter_widths": (1, 2, 3)},
        {"columns": (), "first_inputs": (), "adapter_widths": ()},
    ],
)
def test_a_description_must_agree_with_itself(wrong):
    with pytest.raises(ParameterError, match="must be equally many, at least one; got"):
        ColumnStack(**wrong).build((4,))
