"""Baselines are what one has without transfer, and honest about it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from torch import nn

from fourfold import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.problem import Data, supervise
from fourfold.frozen.frozen import Frozen
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.networks.cut import cut
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=3, batch_size=16, least_steps=10)
NET = Mlp(hidden_layer_sizes=(6,))


# --- linear --------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_for_classes_it_is_logistic_regression(load, classes, strength):
    X, y = load(return_X_y=True)
    X, y = X[y < classes], y[y < classes]
    Z = StandardScaler().fit_transform(X).astype(np.float32)
    expected = LogisticRegression(C=1 / strength, max_iter=1000).fit(Z, y)
    model = Linear(strength=strength).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(Z), atol=2e-3)
    assert model.score(X, y) == pytest.approx(expected.score(Z, y), abs=0.01)


@pytest.mark.parametrize("several", [False, True])
def test_for_numbers_it_is_ridge_regression(several):
    X, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y + 0.5, 3 * X[:, 2]]) if several else y + 0.5
    Z = StandardScaler().fit_transform(X)
    expected = Ridge(alpha=5.0).fit(Z, y)
    model = Linear(strength=5.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected.predict(Z), rtol=1e-3, atol=1e-3)


def test_each_output_learns_from_the_rows_that_have_it():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y + 0.5, y * 2 - 0.5])
    both[::2, 1] = np.nan
    model = Linear().fit(X, both)
    alone = Linear().fit(Domain(X, both[:, 1]))
    np.testing.assert_allclose(model.predict(X)[:, 1], alone.predict(X), rtol=1e-3)


def test_answers_are_learnt_by_gradient_descent():
    X, y = load_iris(return_X_y=True)
    answers = np.eye(3, dtype=int)[y][:, :2]
    model = Linear(recipe=Recipe(epochs=20, learning_rate=0.1)).fit(X, answers)
    assert model.score(X, answers) > 0.8
    assert len(model.history_.losses) >= 20


def test_one_label_a_class_is_enough():
    X, y = load_iris(return_X_y=True)
    model = Linear().fit(X[[0, 60, 120]], y[[0, 60, 120]])  # and no warning
    assert model.score(X, y) > 0.7


def test_unlabelled_rows_take_no_part():
    X, y = load_iris(return_X_y=True)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    model = Linear(strength=1.0).fit(X, few)
    Z = StandardScaler().fit(X).transform(X).astype(np.float32)
    expected = LogisticRegression(max_iter=1000).fit(Z[::5], y[::5])
    np.testing.assert_array_equal(model.predict(X), expected.predict(Z))


def test_it_stands_on_frozen_features_whatever_network_is_above():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU())
    parts = cut(network, "1", engine="torch")
    assert isinstance(parts.frozen, Frozen)
    model = Linear(network=parts, strength=1.0).fit(X, y)
    with torch.no_grad():
        features = network[:2](torch.from_numpy(X)).numpy()
    expected = LogisticRegression(max_iter=1000).fit(features, y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(features), atol=2e-3)


# --- target only ---------------------------------------------------------------------------------


def test_the_target_alone_is_supervised_training():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    model = TargetOnly(network=NET, recipe=SHORT, random_state=3).fit(X, y)
    assert len(model.history_.losses) == 3
    assert model.history_.losses[-1][0] < model.history_.losses[0][0]


def test_a_source_changes_the_preparation_only():
    X, y = load_iris(return_X_y=True)
    fit = lambda **o: TargetOnly(network=NET, recipe=SHORT).fit(X[::3], y[::3], **o).outputs(X)  # noqa: E731
    sources = [Domain(X, y), Domain(X, y[::-1]), Domain(X)]
    outputs = [fit(source=source) for source in sources]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])
    same = fit(source=Domain(X[::3]))
    np.testing.assert_allclose(same, fit(), atol=1e-5)


# --- source only ---------------------------------------------------------------------------------


def test_the_source_alone_ignores_the_targets_labels():
    X, y = load_iris(return_X_y=True)
    source = Domain(X, y)
    fit = lambda labels: SourceOnly(network=NET, recipe=SHORT).fit(X, labels, source=source)  # noqa: E731
    outputs = [fit(labels).outputs(X) for labels in (None, y, y[::-1])]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_the_source_alone_is_the_target_alone_of_the_source():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    recipe = Recipe(epochs=30, learning_rate=0.02)
    transferred = SourceOnly(network=NET, recipe=recipe).fit(X, source=Domain(X, y))
    direct = TargetOnly(network=NET, recipe=recipe).fit(X, y)
    assert transferred.score(X, y) == pytest.approx(direct.score(X, y), abs=0.05)
    assert transferred.score(X, y) > 0.9


def test_a_fitted_source_predicts_as_it_did():
    X, y = load_iris(return_X_y=True)
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    model = SourceOnly().fit(X[:9], source=taught)
    np.testing.assert_array_equal(model.outputs(X), taught.outputs(X))


def test_the_source_must_know_the_targets_classes():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(DataError, match="must be among the 2 classes of the task; got also 2"):
        SourceOnly(recipe=SHORT).fit(X, y, source=Domain(X[y < 2], y[y < 2]))
    with pytest.raises(ParameterError, match="must know its class names"):
        SourceOnly().fit(X, source=nn.Linear(4, 3))


def test_only_labelled_rows_are_trained_on():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    nothing = X.copy()
    nothing[few < 0] = 7.0  # other inputs where there is no label
    task = TargetOnly(network=NET, recipe=SHORT).fit(X, y).task_
    outputs = []
    for inputs in (X, nothing):
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        domain = Domain(inputs, few)
        supervise(model, task, Data(as_rows(inputs), task.encode(domain), domain.labelled), SHORT)
        outputs.append(model.weight.detach().numpy())
    np.testing.assert_array_equal(*outputs)
