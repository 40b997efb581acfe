"""Progressive networks forget nothing, and an unrelated source does little harm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits
from torch import nn

from fourfold.bundle import save
from fourfold.bundle.export import export
from fourfold.core.findings import Facts, HeatMap
from fourfold.data.domain import Domain
from fourfold.errors import ParameterError
from fourfold.frozen.onnx import session
from fourfold.frozen.store import Store
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.progressive.progressive import ProgressiveNetwork
from fourfold.methods.progressive.random_column import RandomColumn
from fourfold.methods.saved import load
from fourfold.networks import ConvNet
from fourfold.networks.columns import ColumnNetwork, ColumnStack
from fourfold.study import Study
from fourfold.training.recipe import Recipe
from methods.progressive.small_columns import NET, SHORT, columns, domain, progressive, rows


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
    old = [columns(model)[0].state_dict() for model in (source, tuned)]
    new = [columns(model)[1].state_dict() for model in (source, tuned)]
    assert all(torch.equal(*pair) for pair in zip(*(o.values() for o in old), strict=True))
    assert not all(torch.equal(*pair) for pair in zip(*(n.values() for n in new), strict=True))


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
    model = method(network=SMALL, recipe=Recipe(epochs=10, min_steps=120), random_state=seed)
    return model.fit(X[few], y[few], source=source).score(X[1200:], y[1200:])


def source(seed, shuffled):
    """Train a source on other digits, or on their labels in a random order."""
    X, y = digits()
    y = np.random.default_rng(seed).permutation(y[:800]) if shuffled else y[:800]
    recipe = Recipe(epochs=8, min_steps=100, learning_rate=2e-3)
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


def test_it_is_exported_as_one_file(tmp_path):
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    export(model, tmp_path / "model.onnx")
    (said,) = session(tmp_path / "model.onnx").run(None, {"input": X})
    np.testing.assert_allclose(said, model.predict_proba(X), atol=1e-5)


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


def test_a_bare_source_needs_a_network_for_the_new_column():
    X, y = rows()
    bare = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ParameterError, match="network must be given to build a fresh one"):
        progressive(network=None).fit(X, y, source=bare)
    model = progressive().fit(X, y, source=bare)
    assert isinstance(model.model_.body.columns, ColumnNetwork)
    assert model.model_.builder is None


def test_a_network_of_columns_can_be_trained_by_other_methods():
    X, y = rows()
    model = TargetOnly(network=ColumnStack(columns=(NET, NET)), recipe=SHORT).fit(X, y)
    assert model.outputs(X).shape == (40, 2)
