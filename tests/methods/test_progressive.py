"""Progressive networks: nothing is forgotten, nothing frozen runs twice, little harm is done."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.bundle import save
from fourfold.bundle.export import export
from fourfold.core.findings import Facts, HeatMap
from fourfold.data.domain import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.onnx import session
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.cosine import CosineHead
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.progressive.progressive import ProgressiveNetwork
from fourfold.methods.progressive.random_column import RandomColumn
from fourfold.methods.saved import load
from fourfold.networks import ConvNet, Mlp
from fourfold.networks.columns import ColumnNetwork, ColumnStack
from fourfold.networks.cut import cut
from fourfold.preparation.choose import Standardize
from fourfold.study import Study
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, least_steps=10)
NET = Mlp(hidden_layer_sizes=(6, 5))


def rows(n=40, width=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, (X[:, 0] > X[:, 1]).astype(int)


def progressive(**parameters):
    return ProgressiveNetwork(**{"network": NET, "recipe": SHORT, **parameters})


def domain(seed, **options):
    return Domain(*rows(seed=seed), **options)


# --- what it is made of --------------------------------------------------------------------------


def test_each_source_is_a_column_in_order():
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    assert model.n_columns_ == 3
    columns = model.model_.body.columns.column_list
    assert [column.lateral_inputs for column in columns] == [
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
    columns = model.model_.body.columns.column_list
    inputs = [{j for j, _ in column.lateral_inputs} for column in columns]
    assert inputs == [set(), set(), {1}, {1, 2}, set(), {0, 1, 2, 3, 4}]
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
    assert model.frozen_ is network.frozen
    assert model.model_.body.columns.column_list[1].lateral_inputs == [(0, "end")]
    assert model.outputs(X).shape == (40, 2)


# --- nothing is forgotten ------------------------------------------------------------------------


def test_old_tasks_answers_are_the_same_bits_for_ever(tmp_path):
    network = ConvNet(channels=(3, 4), hidden_layer_sizes=(5,), kernel=3, batch_norm=True)
    rng = np.random.default_rng(0)
    tasks = [
        Domain(rng.normal(size=(24, 12, 12)).astype(np.float32), np.arange(24) % (2 + i))
        for i in range(4)
    ]
    asked = rng.normal(size=(40, 12, 12)).astype(np.float32)
    model = SourceOnly(network=network, recipe=SHORT).fit(tasks[1].unlabelled(), source=tasks[0])
    said = [model.outputs(asked)]
    for task in tasks[1:]:
        model = ProgressiveNetwork(recipe=SHORT).fit(task, source=model)
        said.append(model.outputs(asked))
        model = load(save(model, tmp_path / f"model{len(said)}"))
        assert model.n_columns_ == len(said)
        for i, before in enumerate(said):
            assert np.array_equal(model.column(i).outputs(asked), before), i
            assert np.array_equal(model.column(i - len(said)).outputs(asked), before), i
    kept = load(save(model.column(1), tmp_path / "second"))
    assert np.array_equal(kept.outputs(asked), said[1])
    assert kept.classes_.tolist() == [0, 1, 2]


def test_fine_tuning_a_progressive_network_moves_its_newest_column_alone():
    X, y = rows()
    source = progressive().fit(*rows(seed=2), source=domain(1))
    tuned = FineTune(recipe=SHORT).fit(X, y, source=source)
    old = [network.model_.body.columns.column_list[0].state_dict() for network in (source, tuned)]
    new = [network.model_.body.columns.column_list[1].state_dict() for network in (source, tuned)]
    assert all(torch.equal(*pair) for pair in zip(*(o.values() for o in old), strict=True))
    assert not all(torch.equal(*pair) for pair in zip(*(n.values() for n in new), strict=True))


# --- nothing frozen is computed twice ------------------------------------------------------------


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
    recipe = Recipe(epochs=epochs, least_steps=1)
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


# --- did it transfer? ----------------------------------------------------------------------------


def digits():
    """Real pictures, in an order of their own: (1797, 8, 8)."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X.reshape(-1, 8, 8)[order].astype(np.float32), y[order]


SMALL = ConvNet(channels=(8, 16), hidden_layer_sizes=(32,))


def learnt(method, seed, source):
    """Learn 30 digits, with a source or without, and score on those that nobody saw."""
    X, y = digits()
    few = 800 + np.random.default_rng(seed).choice(400, 30, replace=False)
    model = method(network=SMALL, recipe=Recipe(epochs=10, least_steps=120), random_state=seed)
    return model.fit(X[few], y[few], source=source).score(X[1200:], y[1200:])


def source(seed, shuffled):
    """Train a source on other digits, or on their labels in a random order."""
    X, y = digits()
    y = np.random.default_rng(seed).permutation(y[:800]) if shuffled else y[:800]
    recipe = Recipe(epochs=8, least_steps=100, learning_rate=2e-3)
    model = SourceOnly(network=SMALL, recipe=recipe, random_state=seed)
    return model.fit(Domain(X[:50]), source=Domain(X[:800], y))


def interval(values):
    """Return the mean, and the ends of its 95 % interval by Student's t."""
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return np.mean(values), low, high


def test_a_source_of_shuffled_labels_does_no_harm_while_fine_tuning_does():
    ours, tuned = [], []
    for seed in range(5):
        bad, alone = source(seed, shuffled=True), learnt(TargetOnly, seed, None)
        ours.append(learnt(ProgressiveNetwork, seed, bad) - alone)
        tuned.append(learnt(FineTune, seed, bad) - alone)
    mean, _, high = interval(ours)
    assert mean > -0.02
    assert high > 0
    assert interval(tuned)[2] < -0.05


def test_a_related_source_helps_more_than_random_columns():
    ours, control = [], []
    for seed in range(3):
        good, alone = source(seed, shuffled=False), learnt(TargetOnly, seed, None)
        ours.append(learnt(ProgressiveNetwork, seed, good) - alone)
        control.append(learnt(RandomColumn, seed, None) - alone)
    assert min(ours) > 0
    assert np.mean(ours) > 0.04
    assert np.mean(ours) > np.mean(control) + 0.03


def test_sensitivities_are_shares_of_each_stage(tmp_path):
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    assert model.afs_.shape == (2, 3)
    np.testing.assert_allclose(model.afs_.sum(axis=1), 1)
    assert (model.afs_ >= 0).all()
    heat, facts = model.findings_
    assert isinstance(heat, HeatMap)
    assert isinstance(facts, Facts)
    assert (heat.rows, heat.columns) == (["fc1", "fc2"], ["column 1", "column 2", "the new one"])
    loaded = load(save(model, tmp_path / "model"))
    assert np.array_equal(loaded.afs_, model.afs_)
    assert loaded.findings_ == model.findings_
    assert loaded.column(-1).findings_ == model.findings_
    assert loaded.column(0).findings_ == []


def test_adapters_that_say_nothing_leave_all_sensitivity_to_the_new_column():
    X, y = rows()
    still = Recipe(steps=1, learning_rate=1e-12, weight_decay=0)
    model = progressive(recipe=still).fit(X, y, source=domain(1))
    np.testing.assert_allclose(model.afs_, [[0, 1], [0, 1]], atol=1e-6)


def test_a_network_that_says_nothing_has_no_sensitivities():
    X, y = rows()
    still = Recipe(steps=1, learning_rate=1e-12, weight_decay=0)
    dead = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    nn.init.constant_(dead[0].bias, -1e6)
    model = progressive(network=dead, recipe=still).fit(X, y, source=domain(1))
    assert np.isnan(model.afs_).all()
    assert "unknown: nothing matters" in model.findings_[1].values.values()


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


def test_measuring_a_regression():
    X, _ = rows(n=60)
    y = X @ [1.0, 2.0, 3.5]
    recipe = Recipe(epochs=20, learning_rate=0.03, least_steps=5)
    model = progressive(recipe=recipe, measure=True).fit(X, y, source=Domain(X, -y))
    assert model.transfer_score_ > 0.8


# --- elsewhere -----------------------------------------------------------------------------------


def test_it_is_exported_as_one_file(tmp_path):
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    export(model, tmp_path / "model.onnx")
    (said,) = session(tmp_path / "model.onnx").run(None, {"input": X})
    np.testing.assert_allclose(said, model.predict_proba(X), atol=1e-5)


def test_columns_of_a_users_own_module_predict_once_saved(tmp_path):
    X, y = rows()
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh())
    model = progressive(network=network).fit(X, y, source=domain(1))
    loaded = load(save(model, tmp_path / "model"))
    np.testing.assert_allclose(loaded.outputs(X), model.outputs(X), atol=1e-5)
    with pytest.raises(ParameterError, match="must be asked before it is saved"):
        loaded.column(0)


def test_a_study_runs_it_beside_random_columns(tmp_path):
    result = Study(
        domain(1), domain(2), domain(3), methods=["ProgressiveNetwork"], recipe=SHORT, seeds=1,
        output=tmp_path / "study", store=Store(tmp_path / "store"), progress=False,
    ).run()  # fmt: skip
    lines = {line.method: line for line in result.lines}
    assert {"RandomColumn", "TargetOnly", "ProgressiveNetwork"} <= set(lines)
    assert lines["RandomColumn"].role == "baseline"
    assert lines["ProgressiveNetwork"].role == "transfer"
    assert [type(found) for found in lines["ProgressiveNetwork"].findings] == [HeatMap, Facts]


# --- the control ---------------------------------------------------------------------------------


def test_random_columns_are_as_many_as_sources_and_know_nothing_of_them():
    X, y = rows()
    ready = FrozenEstimator(Standardize().fit(as_rows(X)))
    control = RandomColumn(network=NET, recipe=SHORT, prepare=ready)
    two = control.fit(X, y, source=[domain(1), domain(2)]).outputs(X)
    assert len(control.model_.body.columns.column_list) == 3
    others = control.fit(X, y, source=[domain(3), domain(4)]).outputs(X)
    assert np.array_equal(two, others)
    asked = RandomColumn(network=NET, recipe=SHORT, prepare=ready, columns=2).fit(X, y)
    assert np.array_equal(asked.outputs(X), two)


def test_a_random_column_forgets_what_a_network_was_taught():
    X, y = rows()
    taught = nn.Sequential(nn.Linear(3, 6), nn.ReLU())
    nn.init.constant_(taught[0].weight, 7.0)
    control = RandomColumn(network=taught, recipe=SHORT).fit(X, y)
    old, new = control.model_.body.columns.column_list
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


# --- bad input -----------------------------------------------------------------------------------


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


def test_a_bare_source_needs_a_network_for_the_new_column():
    X, y = rows()
    bare = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ParameterError, match="network must be given to build a fresh one"):
        progressive(network=None).fit(X, y, source=bare)
    model = progressive().fit(X, y, source=bare)
    assert isinstance(model.model_.body.columns, ColumnNetwork)
    assert model.builder_ is None


def test_a_network_of_columns_can_be_trained_by_other_methods():
    X, y = rows()
    model = TargetOnly(network=ColumnStack(columns=(NET, NET)), recipe=SHORT).fit(X, y)
    assert model.outputs(X).shape == (40, 2)
