"""The source takes part exactly where a method declares it: no transfer means no source at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contract import TRANSFER, blobs, names, same_bits, short
from fourfold.data.domain import Domain
from fourfold.methods import cells, find
from fourfold.methods.baselines.target_only import TargetOnly
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


@each_alone
def test_a_model_gives_its_architecture_alone(method):
    wide = short(TargetOnly, network="mlp").fit(1000 * S, LABELS)
    before = [value.clone() for value in wide.model_.state_dict().values()]
    short(method).fit(X, Y, source=wide)
    after = wide.model_.state_dict().values()
    assert all(a.equal(b) for a, b in zip(before, after, strict=True))
