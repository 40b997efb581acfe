"""Columns listen to those before them; sources become columns in their order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.bundle import save
from fourfold.data.domain import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.finetuning.cosine import CosineHead
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.saved import load
from fourfold.networks.cut import cut
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe
from methods.progressive.small_columns import NET, SHORT, domain, lateral_inputs, progressive, rows


class Counted(nn.Linear):
    """Counts how often it runs while it is frozen."""

    runs = 0

    def forward(self, x):
        Counted.runs += not self.weight.requires_grad
        return super().forward(x)


def _runs(epochs):
    X, y = rows()
    network = nn.Sequential(Counted(3, 4), nn.ReLU())
    Counted.runs = 0
    recipe = Recipe(epochs=epochs, min_steps=1)
    progressive(network=network, recipe=recipe).fit(X, y, source=domain(1))
    return Counted.runs


def test_old_columns_are_not_run_while_training():
    assert _runs(2) == _runs(30) > 0


def test_with_a_store_they_are_computed_once_for_all_fits(tmp_path, monkeypatch):
    X, y = rows()
    computed, said = [], []
    stream = Frozen.stream

    def counted(self, rows, index):
        computed.append(len(index))
        return stream(self, rows, index)

    monkeypatch.setattr(Frozen, "stream", counted)
    with using(Store(tmp_path)):
        for seed in (0, 0):
            model = progressive(random_state=seed).fit(X, y, source=domain(1))
            said.append(model.outputs(X))
    assert computed == [40]
    assert np.array_equal(*said)
    assert np.array_equal(said[0], progressive().fit(X, y, source=domain(1)).outputs(X))


def test_the_transfer_score_compares_areas_on_rows_held_out():
    X, y = rows(n=60)
    model = progressive(measure=True).fit(X, y, source=Domain(X, y))
    plain = progressive().fit(X, y, source=Domain(X, y))
    assert 0.3 < model.transfer_score_ < 3
    assert plain.transfer_score_ is None
    assert np.array_equal(model.outputs(X), plain.outputs(X))  # measuring changes nothing
    assert any("Transfer score" in name for name in model.findings_[1].values)
    few = progressive(measure=True).fit(X[:4], y[:4], source=Domain(X, y))
    assert few.transfer_score_ is None  # of four labels none can be held out


def test_of_one_group_no_transfer_is_measured():
    X, y = rows(n=40)
    target, other = Domain(X, y, groups=["a"] * 40), Domain(X, y, groups=np.arange(40) // 5)
    scores = [
        progressive(measure=True).fit(one, source=Domain(X, y)).transfer_score_
        for one in (target, other)
    ]
    assert scores[0] is None
    assert scores[1] is not None


def test_measuring_a_regression():
    X, _ = rows(n=60)
    y = X @ [1.0, 2.0, 3.5]
    recipe = Recipe(epochs=20, learning_rate=0.03, min_steps=5)
    model = progressive(recipe=recipe, measure=True).fit(X, y, source=Domain(X, -y))
    assert model.transfer_score_ > 0.8


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
