"""Options of a study that would do nothing are refused; what weights do not reach is noted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from fourfold import Domain, MultiTask, Recipe, TargetOnly
from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.preparation.choose import WordCounts
from study.samples import domains, judged, tasks, tasks_study, transfer_study


def numbers():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return Domain(X[:30], X[:30, 0] * 2.5), Domain(X[30:], X[30:, 0] * 2.5)


def unlabelled():
    X = np.random.default_rng(0).random((60, 4))
    return Domain(X[:30]), Domain(X[30:])


NOTHING = {"network": None, "recipe": None}


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (unlabelled, {"clusters": 2, "network": "mlp"}, "network must be taken by some method"),
        (unlabelled, {"clusters": 2, "recipe": {"epochs": 3}}, "recipe must be taken by some"),
        (domains, {"recipe": {"epochs": 3, "steps": 9}}, "epochs must be left out beside steps"),
        (domains, {"recipe": {"patience": 3}}, "patience of Recipe must be used with validation"),
        (lambda: domains()[:2], {"allow_overlap": True}, "must stand beside rows to evaluate on"),
        (numbers, {"class_weight": "balanced"}, r"class_weight must be .* \(Regression\)"),
        (domains, {"class_weight": {0: -1.0}}, "class_weight of Classification must be above 0"),
    ],
)
def test_an_option_that_does_nothing_is_refused(tmp_path, data, options, words):
    with pytest.raises(ParameterError, match=words):
        transfer_study(tmp_path, *data(), **{**NOTHING, **options})


def test_an_encoder_beside_a_preparation_is_refused(tmp_path):
    texts = [Domain(["good food", "bad food", "good film", "bad film"] * 3, [0, 1, 0, 1] * 3)] * 2
    with pytest.raises(ParameterError, match="encoder must be left out beside prepare"):
        transfer_study(tmp_path, *texts, encoder="some", prepare=WordCounts(), **NOTHING)


def test_class_weights_are_given_to_every_method_that_learns_classes(tmp_path):
    own = TargetOnly(task=Classification(smoothing=0.1))
    study = transfer_study(
        tmp_path, *domains(), methods=["FineTune", own], class_weight="balanced", **NOTHING
    )
    (question,) = study.questions.values()
    given = {name: e.task.class_weight for name, e in question.candidates.items()}
    assert given.pop("TargetOnly-2", None) is None
    assert set(given.values()) <= {"balanced", None}
    assert (given["FineTune"], given["Linear"]) == ("balanced", "balanced")


def test_class_weights_reach_the_tasks_that_have_classes(tmp_path):
    study = tasks_study(tmp_path, evaluate=judged(), class_weight="balanced")
    digit, light = study.questions["digit"], study.questions["light"]
    assert digit.candidates["MultiTask"].class_weight == "balanced"
    assert digit.candidates["TargetOnly"].task.class_weight == "balanced"
    assert light.candidates["TargetOnly"].task is None
    assert "Class weights do not reach" in " ".join(light.notes)
    model = MultiTask(class_weight="balanced", recipe=Recipe(steps=2)).fit(tasks())
    kept = {name: model.of(name).task_ for name in ("digit", "light")}
    assert kept["digit"].class_weight == "balanced"
    assert type(kept["light"]).__name__ == "Regression"


def test_what_weights_of_rows_do_not_reach_is_noted(tmp_path):
    X = np.random.default_rng(0).random((60, 4))
    weighted = Domain(X[:30], sample_weight=np.arange(30) + 1)
    study = transfer_study(tmp_path, weighted, Domain(X[30:]), clusters=2, **NOTHING)
    (question,) = study.questions.values()
    said = " ".join(question.notes)
    assert "Weights do not reach KMeansClustering" in said
    assert "Weights of rows without a label are not used." in said


def test_weights_change_fits_choices_and_scores(tmp_path):
    source, goal, evaluate = domains()
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 4, goal.n_rows), rng.integers(1, 4, evaluate.n_rows)
    goal, evaluate = (
        Domain(one.rows, one.y, name=one.name, sample_weight=weight)
        for one, weight in zip((goal, evaluate), weights, strict=True)
    )
    study = transfer_study(tmp_path, source, goal, evaluate, methods=["FineTune"], seeds=1)
    (row,) = (row for row in study.run().lines if row.method == "FineTune")
    (question,) = study.questions.values()
    model = clone(question.candidates["FineTune"]).fit(goal, source=source)
    assert row.scores == [model.score(evaluate, evaluate.y, sample_weight=weights[1])]
    assert row.scores != [model.score(evaluate, evaluate.y)]
