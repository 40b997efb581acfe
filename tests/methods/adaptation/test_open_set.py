"""Open sets: groups of rows that the source has no class for."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain, load, save
from fourfold.bundle import export
from fourfold.core.tasks import Classification
from fourfold.errors import DataError, ParameterError
from fourfold.methods.adaptation.pseudo_label import PseudoLabel
from fourfold.methods.baselines.source_linear import SourceLinear
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

CENTERS = np.array([(-4, 0), (4, 0), (0, 6), (-1.5, 2)])
"""Of three known classes, and of an unknown one in their midst."""
SHORT = Recipe(epochs=2, min_steps=300, batch_size=32)
OPEN = Classification(open_set=True)


def piles(n=160):
    old, y = make_blobs([n // 3] * 3, centers=CENTERS[:3], cluster_std=0.6, random_state=0)
    new, truth = make_blobs([n // 4] * 4, centers=CENTERS + 1.5, cluster_std=0.6, random_state=1)
    return Domain(old.astype(np.float32), y), new.astype(np.float32), truth


@pytest.fixture(scope="module")
def fitted():
    source, X, _ = piles()
    network = Mlp(hidden_layer_sizes=(64,))
    return PseudoLabel(task=OPEN, recipe=SHORT, network=network).fit(X, source=source)


def accuracies(model):
    _, X, y = piles()
    found = model.predict(X)
    return (found == y)[y < 3].mean(), (found[y == 3] == -1).mean()


def test_pseudo_labels_tell_unknown_rows_better_than_the_source_model(fitted):
    source, X, _ = piles()
    alone = SourceOnly(task=OPEN, recipe=SHORT, network=Mlp(hidden_layer_sizes=(64,)))
    known, unknown = accuracies(fitted)
    assert min(known, unknown) > 0.85
    assert min(known, unknown) > min(accuracies(alone.fit(X, source=source)))


def test_a_source_model_calls_its_most_uncertain_rows_unknown():
    source, X, y = piles()
    model = SourceLinear(task=OPEN).fit(X, source=source)
    closed = SourceLinear().fit(X, source=source)
    found = model.predict(X)
    assert (found[found >= 0] == closed.predict(X)[found >= 0]).all()
    assert (found == -1)[y == 3].mean() > (found == -1)[y < 3].mean()
    with pytest.raises(ParameterError, match="a score for each answer"):
        model.explain(X)


@pytest.mark.parametrize("kind", ["pseudo-labels", "source model"])
def test_an_open_model_is_saved_and_exported_with_all_answers(kind, fitted, tmp_path):
    source, X, _ = piles()
    model = fitted
    if kind == "source model":
        model = SourceLinear(task=OPEN).fit(X, source=source)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    p = model.predict_proba(X)
    assert model.classes_.tolist() == again.classes_.tolist() == [0, 1, 2, -1]
    np.testing.assert_allclose(again.predict_proba(X), p, atol=1e-6)
    export(again, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (answers,) = session.run(None, {"input": model.onnx_input(X)})
    np.testing.assert_allclose(answers, p, atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map["classes"] == "[0, 1, 2, -1]"
    assert model.predict_topk(X[:2], k=4)[0].shape == (2, 4)
    assert (model.predict(X, among=[0, 2]) >= 0).all()


def test_labels_that_the_target_has_stay():
    source, X, y = piles()
    some = np.where((np.arange(len(y)) % 5 == 0) & (y < 3), y, -1)
    model = PseudoLabel(task=OPEN, recipe=SHORT, network=Mlp(hidden_layer_sizes=(64,)))
    model.fit(X, some, source=source)
    assert min(accuracies(model)) > 0.85


def test_very_few_rows_are_refused():
    source, X, _ = piles()
    with pytest.raises(DataError, match="20 rows or more to find unknown classes in; got 5"):
        PseudoLabel(task=OPEN, recipe=SHORT).fit(X[:5], source=source)
