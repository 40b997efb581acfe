"""A preparation learns from the labels that a fit is given, and from no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator

from fourfold import Domain, FineTune, Linear, LinearPCA, Recipe, TargetOnly, load, save
from fourfold.bundle.export import export
from fourfold.preparation.choose import TablePreparation

SHORT = Recipe(epochs=2, min_steps=20)
CAPPED = TablePreparation(max_categories=6)


def shops(n, seed, *, kinds=60, turn=0):
    """Draw rows of many shops, each with labels of one class alone, or of the other one."""
    rng = np.random.default_rng(seed)
    shop = rng.integers(0, kinds, n)
    frame = pd.DataFrame({"shop": [f"shop {i}" for i in shop], "x": rng.normal(size=n)})
    return frame, (shop * 7919 % kinds + turn) % 2


def encoded(model, frame):
    """Return the mean labels of each row."""
    return model.prepare_.transform(Domain(frame).rows).sample(10_000)[:, -1]


def test_many_categories_that_decide_are_learnt_one_by_one():
    model = Linear().fit(*shops(1500, 0, kinds=120))
    assert model.prepare_.shape_ == (121,)
    assert model.score(*shops(300, 1, kinds=120)) == 1
    few = TablePreparation(max_categories=50).fit(Domain(shops(1500, 0, kinds=120)[0]).rows)
    blind = Linear(prepare=FrozenEstimator(few)).fit(*shops(1500, 0, kinds=120))
    assert blind.score(*shops(300, 1, kinds=120)) < 0.8


def test_categories_that_decide_are_learnt_beyond_the_cap():
    model = Linear(prepare=CAPPED).fit(*shops(900, 0))
    assert model.score(*shops(300, 1)) > 0.99


def test_rows_are_learnt_from_out_of_fold():
    """Taught by a row's own label, a model would believe in categories that say nothing."""
    rng = np.random.default_rng(0)
    frame = shops(300, 0, kinds=100)[0]
    y = (frame["x"] + rng.normal(size=300) > 0).to_numpy().astype(int)
    model = Linear(prepare=CAPPED).fit(frame, y)
    weights = model.model_.head.weight.detach().numpy()
    assert np.abs(weights[0, -1]) < np.abs(weights[0, 0]) / 3  # x is the first feature
    assert np.corrcoef(encoded(model, frame), y)[0, 1] > 0.4


def test_a_method_of_transfer_learns_from_labels_of_the_source_and_a_baseline_from_the_targets():
    (S, z), (X, y) = shops(300, 0, turn=1), shops(300, 1)
    tuned = FineTune(recipe=SHORT, prepare=CAPPED).fit(X, y, source=Domain(S, z))
    assert ((encoded(tuned, X) > 0) != y).mean() > 0.95
    for method in (Linear(prepare=CAPPED), TargetOnly(recipe=SHORT, prepare=CAPPED)):
        alone = method.fit(X, y, source=Domain(S, z))
        assert ((encoded(alone, X) > 0) == y).mean() > 0.95
    components = LinearPCA(prepare=CAPPED).fit(X, y, source=Domain(S))
    assert ((encoded(components, X) > 0) == y).mean() > 0.95


def test_labels_of_the_target_change_no_preparation_where_the_source_has_labels():
    (S, z), (X, y) = shops(200, 0), shops(100, 1)
    method = FineTune(recipe=SHORT, prepare=CAPPED)
    fits = [method.fit(X, labels, source=Domain(S, z)).prepare_ for labels in (y, 1 - y)]
    assert fits[0].means_ is not None
    assert fits[0].digest == fits[1].digest


def test_hidden_labels_change_nothing():
    X, y = shops(200, 0)
    held = np.arange(0, 200, 3)
    other = y.copy()
    other[held] = 1 - other[held]
    models = [Linear(prepare=CAPPED).fit(Domain(X, labels).hide(held)) for labels in (y, other)]
    assert models[0].prepare_.means_ is not None
    assert models[0].prepare_.digest == models[1].prepare_.digest
    assert np.array_equal(*(model.outputs(X) for model in models))


def test_a_fitted_preparation_learns_no_more():
    X, y = shops(200, 0)
    ready = CAPPED.fit(Domain(X).rows)
    model = Linear(prepare=FrozenEstimator(ready)).fit(X, y)
    assert model.prepare_ is ready
    assert ready.means_ is None


@pytest.mark.parametrize("kind", ["classes", "numbers", "several", "answers"])
def test_a_model_is_saved_with_its_mean_labels_and_exported_above_them(tmp_path, kind):
    X, y = shops(120, 0)
    labels = {
        "classes": np.array(["ant", "bee", "cat"])[y + (X["x"] > 1)],
        "numbers": 40.0 + 3 * y + X["x"],
        "several": np.column_stack([y + 0.5, X["x"]]),
        "answers": np.column_stack([y, X["x"] > 0]),
    }[kind]
    model = TargetOnly(recipe=SHORT, prepare=CAPPED).fit(X, labels)
    loaded = load(save(model, tmp_path / "model"))
    assert loaded.prepare_.digest == model.prepare_.digest
    assert np.array_equal(loaded.outputs(X), model.outputs(X))
    alone = X[3:4]
    assert np.array_equal(loaded.outputs(alone), model.outputs(X)[3:4])
    if kind == "classes":
        export(loaded, tmp_path / "model.onnx")
