"""Bases of scikit-learn: their own probabilities, saved as ONNX, and what cannot be a base."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from fourfold import Domain, Offset, Pooled, Recalibrated, Study, TargetBoosted, load, save
from fourfold.algorithms.additive import boosting
from fourfold.algorithms.additive.converted import convert
from fourfold.errors import DataError, MissingLibraryError, ParameterError
from fourfold.estimators.bases import wraps

FOREST = RandomForestClassifier(20, min_samples_leaf=5)
HISTOGRAM = HistGradientBoostingClassifier(max_iter=20, random_state=0)
CLASSIFIERS = [LogisticRegression(max_iter=1000), GaussianNB(), FOREST, HISTOGRAM]
REGRESSORS = [
    Ridge(),
    RandomForestRegressor(20, min_samples_leaf=5),
    HistGradientBoostingRegressor(max_iter=20, random_state=0),
]


class Odd(GaussianNB):
    """An estimator that skl2onnx does not know."""


def names(estimators):
    return [type(one).__name__ for one in estimators]


def data(read):
    """Return a source, few rows of a target, and others, in a drawn order."""
    X, y = read(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order].astype(np.float32), y[order]
    n = len(y) // 2
    return Domain(X[:n], y[:n]), X[n : n + 60], y[n : n + 60], X[n + 60 :], y[n + 60 :]


@pytest.mark.parametrize("base", CLASSIFIERS[:2], ids=names(CLASSIFIERS[:2]))
@pytest.mark.parametrize("read", [load_breast_cancer, load_iris])
def test_pooled_gives_the_estimators_own_probabilities(base, read):
    source, few, y, rest, _ = data(read)
    model = Pooled(base=base, target_weight=5.0).fit(few, y, source=source)
    rows = model.embed(np.vstack([source.rows.take(np.arange(source.n_rows)), few]))
    flag = (np.arange(len(rows)) >= source.n_rows).astype(np.float32)
    own = clone(base).fit(
        np.column_stack([rows, flag]), np.concatenate([source.y, y]), sample_weight=1 + 4 * flag
    )
    wanted = own.predict_proba(np.column_stack([model.embed(rest), np.ones(len(rest))]))
    np.testing.assert_allclose(model.predict_proba(rest), wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("method", "base"),
    [
        *((Pooled, base) for base in CLASSIFIERS if base is not HISTOGRAM),  # slow with weights
        *((Recalibrated, base) for base in CLASSIFIERS),
    ],
    ids=lambda one: getattr(one, "__name__", type(one).__name__),
)
def test_classes_are_learnt_and_a_saved_model_predicts_the_same(method, base, tmp_path):
    source, few, y, rest, labels = data(load_breast_cancer)
    model = method(base=base).fit(few, y, source=source)
    assert model.score(rest, labels) > 0.88
    save(model, tmp_path / "model")
    read = load(tmp_path / "model")
    np.testing.assert_array_equal(read.outputs(rest), model.outputs(rest))


def test_what_is_random_has_the_seed_of_the_method():
    source, few, y, rest, _ = data(load_breast_cancer)
    one, other = (Pooled(base=FOREST).fit(few, y, source=source).outputs(rest) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", [Pooled, Recalibrated])
@pytest.mark.parametrize("base", REGRESSORS, ids=names(REGRESSORS))
def test_numbers_are_learnt(method, base):
    source, few, y, rest, labels = data(load_diabetes)
    assert method(base=base).fit(few, y, source=source).score(rest, labels) > 0.25


@pytest.mark.parametrize("method", [Pooled, Recalibrated])
def test_boosting_without_lightgbm_is_scikit_learns(method, monkeypatch, tmp_path):
    """Missing cells and categories as places, as for LightGBM."""
    monkeypatch.setattr(wraps, "loads_lightgbm", lambda: False)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "town": rng.choice(list("abc"), 400)})
    y = ((frame["x"] > 0) ^ (frame["town"] == "a")).astype(int).to_numpy()
    frame.loc[::11, "x"] = np.nan
    model = method(base="boosting").fit(
        frame[300:360], y[300:360], source=Domain(frame[:300], y[:300])
    )
    assert model.score(frame[360:], y[360:]) > 0.85
    values = model.explain(frame[360:])
    assert set(values.columns) == {"x", "town"}
    save(model, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").outputs(frame), model.outputs(frame))


def test_on_macos_studies_leave_out_what_needs_lightgbm(monkeypatch, tmp_path):
    monkeypatch.setattr(boosting.platform, "system", lambda: "Darwin")
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 2)), columns=["a", "b"])
    y = (frame["a"] > 0).astype(int).to_numpy()
    source, target = Domain(frame[:80], y[:80]), Domain(frame[80:], y[80:])
    names = {*Study(source, target, output=tmp_path).questions["target"].candidates}
    assert {"Pooled boosting", "Recalibrated boosting", "TargetBoosted"} <= names
    assert not {"Offset", "Boosted"} & names
    assert TargetBoosted().fit(frame[:80], y[:80]).score(frame[80:], y[80:]) > 0.9
    with pytest.raises(MissingLibraryError, match="where both crash together"):
        Offset().fit(target, source=source)


def test_a_file_that_answers_otherwise_is_no_conversion():
    X, y = load_iris(return_X_y=True)
    fitted = GaussianNB().fit(X, y)
    convert(fitted, X.astype(np.float32))
    fitted.predict_proba = lambda x: np.full((len(x), 3), 1 / 3)
    with pytest.raises(ValueError, match="of the converted answers are the same"):
        convert(fitted, X.astype(np.float32))


@pytest.mark.parametrize(
    ("base", "why"),
    [
        (KNeighborsClassifier(), "must take sample_weight"),
        (Ridge(), "must be a classifier; got Ridge"),
        (SVC(), r"must give probabilities of classes; got SVC\(\)"),
        (Odd(), "skl2onnx can convert"),
        (3, "base of Pooled must be"),
        ("forest", "base of Pooled must be"),
    ],
    ids=["weights", "kind", "probabilities", "conversion", "number", "name"],
)
def test_what_cannot_be_a_base_is_refused(base, why):
    source, few, y, *_ = data(load_breast_cancer)
    with pytest.raises((ParameterError, DataError), match=why):
        Pooled(base=base).fit(few, y, source=source)
