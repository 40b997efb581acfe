"""Sources become columns in their order, each beside those before it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.bundle import save
from fourfold.data.domain import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.finetuning.cosine import CosineHead
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.saved import load
from fourfold.networks.cut import cut
from fourfold.preparation.choose import Standardize
from methods.progressive.small_columns import NET, SHORT, domain, lateral_inputs, progressive, rows


def test_each_source_is_a_column_in_order():
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    assert model.n_columns_ == 3
    assert lateral_inputs(model) == [
        [],
        [(0, "fc1"), (0, "end")],
        [(0, "fc1"), (0, "end"), (1, "fc1"), (1, "end")],
    ]


def test_a_list_is_as_a_chain_of_fits():
    X, y = rows()
    ready = FrozenEstimator(Standardize().fit(as_rows(X)))
    at_once = progressive(prepare=ready).fit(X, y, source=[domain(1), domain(2)])
    second = progressive(prepare=ready).fit(*rows(seed=2), source=domain(1))
    third = progressive().fit(X, y, source=second)
    assert np.array_equal(at_once.outputs(X), third.outputs(X))


def test_the_first_column_is_the_source_model_and_a_fitted_estimator_gives_its_own():
    X, y = rows()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(Domain(X), source=domain(1))
    from_data = progressive().fit(X, y, source=domain(1))
    from_model = progressive(network=None).fit(X, y, source=taught)
    assert np.array_equal(from_data.column(0).outputs(X), taught.outputs(X))
    assert np.array_equal(from_model.outputs(X), from_data.outputs(X))


def test_sources_of_several_kinds_in_one_list():
    X, y = rows()
    taught = FineTune(recipe=SHORT).fit(X, y + 5, source=domain(1))
    bare = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    chain = progressive().fit(*rows(seed=4), source=[taught, domain(5)])
    model = progressive().fit(X, y, source=[domain(2), chain, bare])
    assert model.n_columns_ == 1 + 3 + 1 + 1
    older = [{j for j, _ in inputs} for inputs in lateral_inputs(model)]
    assert older == [set(), set(), {1}, {1, 2}, set(), {0, 1, 2, 3, 4}]
    assert model.column(1).task_.classes_.tolist() == [5, 6]
    with pytest.raises(ParameterError, match="column 4 must have a task"):
        model.column(4)
    with pytest.raises(ParameterError, match="column must be a whole number from 0 to 5; got 6"):
        model.column(6)


def test_a_fitted_model_as_source_stays_as_it_is():
    X, y = rows()
    source = progressive().fit(*rows(seed=2), source=domain(1))
    before = source.outputs(X)
    progressive().fit(X, y, source=source)
    assert np.array_equal(source.outputs(X), before)
    assert all(p.requires_grad for p in source.model_.head.parameters())


def test_what_a_source_has_of_its_own_kind_is_saved(tmp_path):
    X, y = rows()
    own_head = CosineHead(recipe=SHORT).fit(X, y, source=domain(1))
    nested = FineTune(recipe=SHORT).fit(X, y, source=progressive().fit(X, y, source=domain(1)))
    wide = progressive(adapter_width=7).fit(X, y, source=[own_head, nested])
    loaded = load(save(wide, tmp_path / "model"))
    assert np.array_equal(loaded.outputs(X), wide.outputs(X))
    assert np.array_equal(loaded.column(1).outputs(X), nested.outputs(X))
    with pytest.raises(ParameterError, match="column 0 must have a task and a linear last layer"):
        loaded.column(0)


def test_columns_on_a_cut_network_share_its_frozen_part():
    X, y = rows()
    network = cut(
        nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU()), "1", engine="torch"
    )
    model = progressive(network=network).fit(X, y, source=domain(1))
    assert model.inputs_.frozen is network.frozen
    assert lateral_inputs(model)[1] == [(0, "end")]
    assert model.outputs(X).shape == (40, 2)


def test_columns_of_a_users_own_module_predict_once_saved(tmp_path):
    X, y = rows()
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh())
    model = progressive(network=network).fit(X, y, source=domain(1))
    loaded = load(save(model, tmp_path / "model"))
    np.testing.assert_allclose(loaded.outputs(X), model.outputs(X), atol=1e-5)
    with pytest.raises(ParameterError, match="must be asked before it is saved"):
        loaded.column(0)


def test_a_source_of_another_shape_is_refused():
    X, y = rows()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(Domain(X), source=domain(1))
    with pytest.raises(DataError, match="X has 5 features, but ProgressiveNetwork is expecting 3"):
        progressive().fit(np.ones((8, 5)), y[:8], source=taught)
    narrow = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(DataError, match=r"the network must take rows of shape \(3,\)"):
        progressive().fit(X, y, source=[domain(1), narrow])


def test_trained_sources_must_be_prepared_alike():
    X, y = rows()
    taught = [
        SourceOnly(network=NET, recipe=SHORT).fit(Domain(X + shift), source=domain(1))
        for shift in (0, 10)
    ]
    with pytest.raises(ParameterError, match=r"must share one preparation .* got 2 different"):
        progressive().fit(X, y, source=taught)
