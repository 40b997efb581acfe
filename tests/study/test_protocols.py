"""Protocols: folds that all tasks share, and data by which nothing can be chosen."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.errors import DataError
from fourfold.study.protocols import common_folds, labelled_protocol
from fourfold.study.validators.information import information_maximization

X = np.arange(40.0).reshape(20, 2)
CLASSES = Domain(X, np.arange(20) % 2, name="classes")
NUMBERS = Domain(X, X[:, 0] + 0.5, name="numbers")
SINGLE = Domain(X, np.r_[np.zeros(19, int), 1], name="single")


def test_tasks_share_the_folds_of_the_one_with_the_fewest():
    few = CLASSES.hide(np.arange(6, 20))  # three labels of each class
    assert common_folds({"few": few, "numbers": NUMBERS}, 5) == 3
    assert common_folds({"classes": CLASSES, "single": SINGLE}, 5) == 0


def test_without_folds_a_task_without_classes_is_refused():
    with pytest.raises(DataError, match="task 'single' must have at least 2 labels of two classes"):
        common_folds({"numbers": NUMBERS, "single": SINGLE}, 5)
    few = NUMBERS.hide(np.arange(3, 20))
    with pytest.raises(DataError, match="the target must have at least 4 labels"):
        labelled_protocol([], few, None, folds=3, metric=None)


def test_a_validator_chooses_without_folds():
    protocol = labelled_protocol([CLASSES], SINGLE, None, folds=3, metric=None)
    assert protocol.splits.count == 0
    assert protocol.validator is information_maximization


def test_a_class_to_evaluate_on_needs_an_example():
    strange = Domain(X, np.arange(20) % 3, name="judged")
    with pytest.raises(DataError, match=r"each class of 'judged'.* got none of 2"):
        labelled_protocol([CLASSES], CLASSES, strange, folds=3, metric=None)
