"""scikit-learn's own checks of estimators, over every method of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sklearn.base import clone, is_classifier
from sklearn.utils.estimator_checks import estimator_checks_generator

from contract import TRANSFER, clusters, has, short, sourced
from fourfold.core.tasks import Regression
from fourfold.methods.clustering._counts import ClustersCounts
from fourfold.methods.zeroshot.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXPECTED = {
    "check_dtype_object": "what is no number is a DataError, so a ValueError; it wants a TypeError"
}
EXPECTED_OF_CLASSIFIERS = {
    "check_classifiers_classes": "labels that are only -1 and 1 are ambiguous, and refused",
    "check_classifiers_regression_target": "without a task, fractions are a regression; with "
    "task=Classification() they are refused, as test_fractions_are_a_regression shows",
}


SMALL = {
    "alpha": 0.1, "copy": 1, "gamma": 1.0, "lambda_": 1.0, "n_estimators": 3,
    "n_init": 1, "reg": 1.0, "restarts": 1, "rounds": 2, "target_weight": 0.5, "trust": 0.5,
}  # fmt: skip
"""Values that make a fit quick; the contract suite lets more of them be chosen."""
FEW = {"check_fit2d_1sample", "check_fit2d_1feature", "check_classifiers_one_label"}
"""Checks that leave little to choose a value by: here the default ones are taken, too."""


def estimators() -> Iterator[tuple[str, Any, Any]]:
    """Draw every method with its name, each task by itself: as it is, and quick."""
    for method in TRANSFER:
        kind = sourced(method)
        small = {name: value for name, value in SMALL.items() if has(method, name)}
        own = short(kind, min_steps=2, learning_rate=0.03)
        quick = short(kind, min_steps=2, learning_rate=0.03, **small)
        yield method.__name__, own, quick
        if has(method, "task") and not (method.needs.classes or clusters(method)):
            numbers = [clone(each).set_params(task=Regression()) for each in (own, quick)]
            yield f"{method.__name__} of numbers", *numbers


def checks() -> Iterator[Any]:
    for name, own, quick in estimators():
        longer = clone(quick)
        if has(type(longer), "recipe"):
            longer.set_params(recipe__min_steps=20)
        for _, check in estimator_checks_generator(quick):
            called = check_name(check)
            each = longer if called == "check_regressors_train" else own if called in FEW else quick
            yield pytest.param(each, check, id=f"{name}-{called}")


def check_name(check: Any) -> str:
    return str(check.func.__name__)


EXPECTED_OF_CLASSES_ALONE = {
    "check_supervised_y_2d": "a column of labels is taken as labels, without a warning"
}


EXPECTED_OF_COUNTS = dict.fromkeys(
    (
        "check_estimator_sparse_tag",
        "check_estimator_sparse_array",
        "check_estimator_sparse_matrix",
        "check_estimators_dtypes",
    ),
    "rows of zeros hold nothing to be clustered by, and are refused",
)


EXPECTED_OF_CHANCE = {"check_classifiers_train": "chance is right by luck alone"}


def expected(estimator: Any) -> dict[str, str]:
    alone = EXPECTED_OF_CLASSES_ALONE if estimator.needs.classes else {}
    alone = alone | (EXPECTED_OF_COUNTS if isinstance(estimator, ClustersCounts) else {})
    alone = alone | (EXPECTED_OF_CHANCE if isinstance(estimator, Chance) else {})
    return EXPECTED | alone | (EXPECTED_OF_CLASSIFIERS if is_classifier(estimator) else {})


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learns_own_checks(
    estimator: Any, check: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else the array API check skips itself
    if check_name(check) in expected(estimator):
        with pytest.raises(Exception):  # noqa: B017, PT011 - a check raises what it likes
            check(estimator)
    else:
        check(estimator)
