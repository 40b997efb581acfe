"""Sparse codes of unlabelled rows help where labels are few."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from fourfold.bundle import export, save
from fourfold.core.findings import Curves, Facts
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.problem import problem
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.saved import load
from fourfold.methods.selftaught._dictionary import fit_dictionary
from fourfold.methods.selftaught.pca import LinearPCA
from fourfold.methods.selftaught.sparse_coding import SparseCoding
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe


def test_sparse_codes_beat_raw_and_pca(digits):
    source, X, y, test, test_y = digits
    few = slice(0, 100)
    ours = SparseCoding(windows=10_000).fit(X[few], y[few], source=source).score(test, test_y)
    beside = [
        Linear().fit(X[few], y[few]).score(test, test_y),
        LinearPCA().fit(X[few], y[few], source=source).score(test, test_y),
    ]
    assert ours > max(beside) + 0.02


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


def test_the_dictionary_is_learnt_once_for_all_folds(digits, monkeypatch):
    source, X, y, *_ = digits
    fits = []
    monkeypatch.setattr(
        "fourfold.methods.selftaught.sparse_coding.fit_dictionary",
        lambda *given, **how: (fits.append(1), fit_dictionary(*given, **how)),
    )
    prepare = FrozenEstimator(Standardize().fit(source.rows))
    given = {"prepare": prepare, "window": None, "atoms": 16}
    first = SparseCoding(**given).fit(X[:60], y[:60], source=source)
    second = SparseCoding(**given).fit(X[60:120], y[60:120], source=source)
    assert fits == [1]
    SparseCoding(**given, random_state=1).fit(X[:60], y[:60], source=source)
    assert fits == [1, 1]
    monkeypatch.setattr(problem, "VERSION", "another")
    SparseCoding(**given).fit(X[:60], y[:60], source=source)
    assert fits == [1, 1, 1]
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
    trained = TargetOnly(recipe=Recipe(epochs=1, min_steps=1)).fit(X[:20], y[:20])
    with pytest.raises(ParameterError, match="must be a Domain for this method"):
        SparseCoding().fit(X[:20], y[:20], source=trained)
