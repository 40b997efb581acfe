"""The source takes part exactly where a method declares it: no transfer means no source at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from torch import nn

from contract import TRANSFER, blobs, names, same_bits, short
from fourfold.data.domain import Domain
from fourfold.methods import cells, find
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.networks.cut import cut
from fourfold.preparation.choose import Standardize, TablePreparation

DATA = blobs(rows=30)
S, LABELS = np.abs(DATA.source.rows.sample(1000)), DATA.source.y
X, Y = np.abs(DATA.X), DATA.y

OPTIONAL = [method for method in TRANSFER if not method.needs.source]
ALONE = [method for method in TRANSFER if not method.uses_source]
each_alone = pytest.mark.parametrize("method", ALONE, ids=names(ALONE))


@pytest.mark.parametrize("method", OPTIONAL, ids=names(OPTIONAL))
def test_a_source_gives_other_outputs_where_it_is_used(method):
    alone = short(method).fit(X, Y).outputs(X)
    beside = short(method).fit(X, Y, source=Domain(1000 * S + 7)).outputs(X)
    assert same_bits(alone, beside) != method.uses_source


def test_every_baseline_that_needs_no_source_uses_none_but_those_of_source_inputs():
    stated = {find(name).load() for cell in cells().values() for name in cell.baselines}
    free = {method.__name__ for method in stated if not method.needs.source and method.uses_source}
    assert free == {"LinearPCA"}  # components of source and target: what inputs alone transfer
    assert set(ALONE) <= stated


SOURCES = {
    "labelled": lambda: Domain(S, LABELS),
    "in other units": lambda: Domain(-1000 * S - 7, LABELS),
    "of other classes": lambda: Domain(S, LABELS + 5),
    "of other inputs": lambda: Domain(S[:, :2]),
    "several": lambda: [Domain(S, LABELS), Domain(S[:9] * 1e6)],
    "a model": lambda: short(TargetOnly).fit(1000 * S, LABELS),
    "models and data": lambda: [short(TargetOnly).fit(1000 * S, LABELS), Domain(S)],
}


@pytest.mark.parametrize("source", SOURCES)
@each_alone
def test_no_part_of_a_source_reaches_a_baseline_without_transfer(method, source):
    alone = short(method).fit(X, Y)
    beside = short(method).fit(X, Y, source=SOURCES[source]())
    assert same_bits(alone.outputs(X), beside.outputs(X))
    assert alone.prepare_.digest == beside.prepare_.digest


def table(X, towns):
    return pd.DataFrame(X).assign(town=np.resize(towns, len(X)))


OTHERS = {
    "tables": (table(X, ["Ulm", "Bonn", "Kiel"]), table(1000 * S, ["Rom", "Ulm"]), None),
    "prepared tables": (
        table(X, ["Ulm", "Bonn"]),
        table(1000 * S, ["Rom", "Ulm"]),
        TablePreparation(min_frequency=1),
    ),
    "standardized": (X, 1000 * S, Standardize()),
    "texts": (
        [f"{'good' if y else 'bad'} phone {i % 3}" for i, y in enumerate(Y)],
        ["bad weather today", "good other words"] * 9,
        None,
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
@each_alone
def test_scales_vocabularies_and_categories_are_the_targets(method, kind):
    inputs, others, prepare = OTHERS[kind]
    alone = short(method, prepare=prepare).fit(inputs, Y)
    beside = short(method, prepare=prepare).fit(inputs, Y, source=Domain(others))
    assert same_bits(alone.outputs(inputs), beside.outputs(inputs))


def test_of_a_trained_network_the_architecture_and_frozen_layers_are_used():
    layers = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU())
    taught = short(TargetOnly, network=cut(layers, at="0"), prepare=Standardize())
    taught.fit(1000 * S, LABELS)
    model = short(Linear).fit(X, Y, source=taught)
    assert model.inputs_.frozen.key == taught.inputs_.frozen.key
    assert model.prepare_.digest == Standardize().fit(Domain(X).rows).digest
    wide = short(TargetOnly, network=Mlp(hidden_layer_sizes=(9,))).fit(1000 * S, LABELS)
    alike = short(TargetOnly, network=Mlp(hidden_layer_sizes=(9,))).fit(X, Y)
    assert same_bits(short(TargetOnly).fit(X, Y, source=wide).outputs(X), alike.outputs(X))
