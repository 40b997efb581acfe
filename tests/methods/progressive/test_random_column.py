"""Random columns know nothing of the sources."""

from __future__ import annotations

import numpy as np
from torch import nn

from fourfold.methods.progressive.random_column import RandomColumn
from methods.progressive.small_columns import NET, SHORT, columns, domain, progressive, rows


def test_columns_are_as_many_as_asked_and_know_nothing_of_sources():
    X, y = rows()
    control = RandomColumn(network=NET, recipe=SHORT, columns=2)
    two = control.fit(X, y, source=[domain(1), domain(2), domain(3)]).outputs(X)
    assert len(columns(control)) == 3
    assert np.array_equal(control.fit(X, y).outputs(X), two)
    assert len(columns(RandomColumn(network=NET, recipe=SHORT).fit(X, y))) == 2


def test_a_random_column_forgets_what_a_network_was_taught():
    X, y = rows()
    taught = nn.Sequential(nn.Linear(3, 6), nn.ReLU())
    nn.init.constant_(taught[0].weight, 7.0)
    control = RandomColumn(network=taught, recipe=SHORT).fit(X, y)
    old, new = columns(control)
    assert old.stages.network[0].weight.abs().max() < 1
    assert new.stages.network[0].weight.min() > 6
    assert taught[0].weight.min() == 7


def test_the_control_is_of_the_same_size():
    X, y = rows()
    sizes = [
        sum(p.numel() for p in model.fit(X, y, source=domain(1)).model_.parameters())
        for model in (progressive(), RandomColumn(network=NET, recipe=SHORT))
    ]
    heads = 5 * 2 + 2  # the old column's own head is kept beside
    assert sizes[0] - heads == sizes[1]
