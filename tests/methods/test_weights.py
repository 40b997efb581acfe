"""A row of weight 2 counts as the same row twice, one of weight 0 as none, in every method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score

from contract import blobs
from fourfold import (
    DANN,
    L2SP,
    AttributePrediction,
    ConSE,
    CosineHead,
    Domain,
    FineTune,
    KLAdaptation,
    KMeansClustering,
    LabelEmbedding,
    LayerTransfer,
    Linear,
    LwF,
    MultiTask,
    ProgressiveNetwork,
    Prototypes,
    Recipe,
    RidgeToDescriptions,
    SourceOnly,
    TargetOnly,
)
from fourfold.core.tasks import Classification, Regression
from fourfold.errors import ParameterError
from fourfold.methods.zeroshot.eszsl import ESZSL
from fourfold.preparation.choose import AsIs
from methods.zeroshot.worlds import world

PILES = blobs()
WHOLE = Recipe(steps=4, batch_size=10_000, optimizer="sgd", learning_rate=0.05)
TIMES = np.arange(45) % 3 + 1
REPEATED = np.repeat(np.arange(45), TIMES)
SETTING: dict[str, Any] = {"prepare": AsIs(), "recipe": WHOLE}


def labels(kind: str):
    """Labels of the target's rows: classes, numbers, or two answers, some of them missing."""
    X, y = PILES.X, PILES.y
    if kind == "classes":
        return y
    if kind == "numbers":
        return X[:, 1] + 0.01
    answers = (X[:, :2] > 1).astype(float)
    answers[::4, 1] = np.nan
    return answers


def both_ways(method, y, **fit):
    """Outputs of a method, fitted with weights and with repeated rows."""
    weighted = Domain(PILES.X, y, sample_weight=TIMES)
    repeated = Domain(PILES.X[REPEATED], y[REPEATED])
    return [method.fit(domain, **fit).outputs(PILES.X) for domain in (weighted, repeated)]


@pytest.mark.parametrize("kind", ["classes", "numbers", "answers"])
@pytest.mark.parametrize("method", [TargetOnly(**SETTING), Linear(prepare=AsIs(), alpha=2.0)])
def test_a_row_of_weight_two_is_that_row_twice(method, kind):
    one, other = both_ways(method, labels(kind))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-4)
    alike = method.fit(PILES.X, labels(kind)).outputs(PILES.X)
    assert np.abs(alike - other).max() > 10 * np.abs(one - other).max()


@pytest.mark.parametrize(
    "method",
    [
        FineTune(**SETTING),
        L2SP(alpha=0.1, **SETTING),
        KLAdaptation(**SETTING),
        LwF(warm_up=True, **SETTING),
        LayerTransfer(copy=1, **SETTING),
        CosineHead(**SETTING),
        Prototypes(**SETTING),
        ProgressiveNetwork(**SETTING),
    ],
    ids=lambda method: type(method).__name__,
)
def test_so_it_is_for_methods_with_a_source(method):
    one, other = both_ways(method, PILES.y, source=PILES.source)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("method", [SourceOnly, DANN])
def test_weights_of_the_source_count(method):
    source, y = PILES.source, PILES.source.y
    X = source.rows.take(np.arange(45))
    model = method(**SETTING)
    weighted, repeated, alike = (
        model.fit(PILES.X, source=domain).outputs(PILES.X)
        for domain in (
            Domain(X, y, sample_weight=TIMES), Domain(X[REPEATED], y[REPEATED]), Domain(X, y),
        )
    )  # fmt: skip
    if method is SourceOnly:  # the critic of the other sees more rows
        np.testing.assert_allclose(weighted, repeated, rtol=1e-3, atol=2e-4)
    assert np.abs(weighted - alike).max() > 1e-3


def test_each_of_several_tasks_has_weights_of_its_own():
    y, z = labels("classes"), labels("numbers")
    z = np.where(np.arange(45) % 5, z, np.nan)
    model = MultiTask(**SETTING)
    tasks = {"kind": Domain(PILES.X, y), "size": Domain(PILES.X, z, sample_weight=TIMES)}
    one = model.fit(tasks).outputs(PILES.X, task="size")
    apart = {"kind": tasks["kind"], "size": Domain(PILES.X[REPEATED], z[REPEATED])}
    other = model.fit(apart).outputs(PILES.X, task="size")
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    "method",
    [
        RidgeToDescriptions(prepare=AsIs(), alpha=2.0),
        ESZSL(prepare=AsIs(), gamma=2.0, lambda_=1.0),
        AttributePrediction(trust=0.5, predictor="network", **SETTING),
        ConSE(**SETTING),
    ],
    ids=lambda method: type(method).__name__,
)
def test_so_it_is_for_classes_without_examples(method):
    X, names, frame = world(classes=6, rows=10)
    y = names[: 4 * 10]
    times = np.arange(40) % 3 + 1
    at = np.repeat(np.arange(40), times)
    goal = Domain(X[40:], classes=frame)
    one, other = (
        method.fit(goal, source=source.described(frame)).outputs(X)
        for source in (Domain(X[:40], y, sample_weight=times), Domain(X[at], y[at]))
    )
    np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-3)


def test_a_label_of_weight_zero_is_none():
    weight = np.where(PILES.y == 2, 0.0, 1.0)
    domain = Domain(PILES.X, PILES.y, sample_weight=weight)
    assert domain.n_labelled == 30
    assert Linear().fit(domain).classes_.tolist() == [0, 1]


@pytest.mark.parametrize("balanced", [True, False])
def test_class_weights_are_those_of_scikit_learn(balanced):
    X, y = PILES.X[:25], np.minimum(PILES.y[:25], 1)
    given = "balanced" if balanced else {1: 4.0}
    expected = LogisticRegression(C=0.5, class_weight=given).fit(X, y)
    task = Classification(class_weight=given)
    model = Linear(alpha=2.0, task=task, prepare=AsIs()).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=2e-3)


def test_class_weights_reach_networks_and_multiply_weights_of_rows():
    X, y = PILES.X[:25], np.minimum(PILES.y[:25], 1)
    task = Classification(class_weight={"1": 3.0})  # as a file names it
    rows = np.arange(25) % 2 + 1
    by_class = TargetOnly(task=task, **SETTING).fit(Domain(X, y, sample_weight=rows))
    by_row = TargetOnly(**SETTING).fit(Domain(X, y, sample_weight=rows * (1 + 2 * y)))
    np.testing.assert_allclose(by_class.outputs(X), by_row.outputs(X), atol=1e-5)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ({"no class": 2.0}, "class_weight must name classes of the labels.*'no class'"),
        ({1: 0}, "class_weight of Classification must be above 0 for each class; got 0 for 1"),
        ("even", "class_weight of Classification must be one of 'balanced' or be a dict or be N"),
    ],
)
def test_class_weights_that_cannot_be_used_are_refused(weight, words):
    model = Linear(task=Classification(class_weight=weight))
    with pytest.raises(ParameterError, match=words):
        model.fit(PILES.X, PILES.y)


@pytest.mark.parametrize("method", [KMeansClustering(), LabelEmbedding()])
def test_methods_to_which_all_rows_are_alike_refuse_weights(method):
    X, names, frame = world(classes=6, rows=3)
    source = Domain(X[:12], names[:12], classes=frame, sample_weight=np.ones(12))
    with pytest.raises(ParameterError, match="sample_weight must be left out for"):
        method.fit(Domain(X), source=source)


def test_scores_of_estimators_use_weights():
    X, y, w = PILES.X, PILES.y, TIMES
    model = Linear(alpha=99.0).fit(X[:5], y[:5])
    found = model.score(X, y, sample_weight=w)
    assert found == pytest.approx(accuracy_score(y, model.predict(X), sample_weight=w))
    numbers = labels("numbers")
    model = Linear(task=Regression()).fit(X[:9], numbers[:9])
    found = model.score(X, numbers, sample_weight=w)
    assert found == pytest.approx(r2_score(numbers, model.predict(X), sample_weight=w))
