"""Every builder is rebuilt by its class name."""

from __future__ import annotations

import pytest
from sklearn.base import clone

from fourfold.core.serialization import from_plain, to_plain
from fourfold.errors import ParameterError
from fourfold.networks import BUILDERS, ConvNet, Flat, Mlp
from fourfold.networks.choice import Stem
from fourfold.networks.coder import Coder
from fourfold.networks.columns import ColumnStack
from fourfold.networks.mlp import Projection
from fourfold.networks.normalized_counts import NormalizedCounts


def test_builders_are_cloned_and_found_by_their_class_name():
    for builder in (Mlp(hidden_layer_sizes=(3,)), ConvNet(kernel=3)):
        again = BUILDERS[type(builder).__name__](**builder.get_params())
        assert clone(again).get_params() == builder.get_params()
        assert builder.bare() is builder


@pytest.mark.parametrize(
    "builder",
    [
        Coder(window=(3, 3), split_sign=False),
        ColumnStack(columns=(Mlp(), Flat()), outputs=(2,)),
        ConvNet(channels=(3,)),
        Flat(),
        Mlp(),
        NormalizedCounts(n_words=3, norm="l2"),
        Projection(width=4),
        Stem(network=Mlp()),
    ],
)
def test_a_builder_survives_json(builder):
    again = from_plain(to_plain(builder), BUILDERS)
    assert type(again) is type(builder)
    assert repr(again) == repr(builder)


def test_earlier_names_are_told():
    with pytest.raises(ParameterError, match="split of Coder must be written split_sign"):
        Coder(split=True)


@pytest.mark.parametrize("builder", [Mlp, ConvNet])
def test_widths_are_hidden_layer_sizes(builder):
    with pytest.raises(ParameterError, match="must be written hidden_layer_sizes"):
        builder(widths=(3,))
    with pytest.raises(ParameterError, match="must be written hidden_layer_sizes"):
        builder().set_params(widths=(3,))
