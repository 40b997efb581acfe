"""Stages are named as they can be copied, frozen and trained."""

from __future__ import annotations

from torch import nn

from fourfold.networks import ConvNet, as_body
from fourfold.networks.builder import stages


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
