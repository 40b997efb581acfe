"""Classes are decoded as they were written; missing ones count nowhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.core.tasks import Classification
from fourfold.errors import DataError, ParameterError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


def one_hot(codes, k):
    return np.eye(k, dtype=np.float32)[codes]


CLASSES = {
    "numbers": ([3, 1, 3, 7], [1, 3, 7]),
    "names": (["cat", "dog", "ant", "cat"], ["ant", "cat", "dog"]),
    "whole floats": ([2.0, 0.0, 2.0, 1.0], [0, 1, 2]),
    "truth": ([True, False, False, True], [False, True]),
    "bytes": (np.array([200, 3, 3, 200], np.uint8), [3, 200]),
    "categorical": (pd.Series(["b", "a", "b"], dtype="category"), ["a", "b"]),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes_come_back_as_they_went_in(case):
    y, classes = CLASSES[case]
    pile = domain(y)
    task = Classification().fit(pile)
    assert task.classes_.tolist() == classes
    assert task.n_outputs == len(classes)
    codes = task.encode(pile)
    assert codes.dtype == torch.int64
    assert task.decode(one_hot(codes.numpy(), len(classes))).tolist() == list(y)


HOLES = {
    "minus one": [2, -1, 0, 2, -1],
    "NaN": [2, NAN, 0, 2, NAN],
    "None": ["c", None, "a", "c", None],
    "truth": [True, None, False, True, None],
}


@pytest.mark.parametrize("case", HOLES)
def test_missing_classes_are_no_class(case):
    pile = domain(HOLES[case])
    task = Classification().fit(pile)
    assert task.n_outputs == 2
    assert task.encode(pile).tolist() == [1, -1, 0, 1, -1]


def test_truth_with_and_without_holes_is_the_same_task():
    whole, holes = domain([True, False]), domain([True, None])
    assert Classification().fit(whole).encode(holes).tolist() == [1, -1]
    task = Classification().fit(domain([True, None, False]))
    assert task.classes_.dtype == bool


@pytest.mark.parametrize(
    ("known", "new", "strange"),
    [
        ([0, 1, 2], [0, 5, -1, 7, 5], "3 classes of the task; got also 5, 7$"),
        ([0, 1, 2], [0.0, 1.5], r"got also 1\.5$"),
        (["cat", "dog"], ["cat", "catfish"], "got also 'catfish'$"),
        (["catfish", "dog"], ["cat"], "got also 'cat'$"),
        ([0, 1], ["cat"], "got also 'cat'$"),
        ([True, False], [2, 1], "got also 2$"),
        ([0, 1], list(range(10)), "got also 2, 3, 4, 5, 6 and 3 more$"),
    ],
)
def test_unknown_labels_are_named(known, new, strange):
    task = Classification().fit(domain(known))
    with pytest.raises(DataError, match=f"^labels of the shop must be among the .*{strange}"):
        task.encode(domain(new, name="the shop"))


def test_numbers_are_found_among_names_of_numbers():
    task = Classification().fit(domain(["0", "1", "10"]))
    assert task.encode(domain([10, 0, NAN])).tolist() == [2, 0, -1]


def test_unlabelled_rows_are_all_missing():
    task = Classification().fit(domain([0, 1]))
    assert task.encode(Domain(np.zeros((3, 1)))).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("y", "message"),
    [([0.5, 1.0], "fractions"), ([[0, 1], [1, 0]], r"classes must be \(n,\); got .*\(2, 2\)")],
)
def test_what_is_no_class_is_refused(y, message):
    with pytest.raises(DataError, match=message):
        Classification().fit(domain(y))


def test_the_loss_is_cross_entropy_of_the_known_rows():
    outputs, y = torch.randn(6, 3), torch.tensor([0, 2, -1, 1, -1, 0])
    there = y >= 0
    for smoothing in (0.0, 0.2):
        task = Classification(smoothing=smoothing)
        expected = F.cross_entropy(outputs[there], y[there], label_smoothing=smoothing)
        torch.testing.assert_close(task.loss(outputs, y), expected)
    assert Classification().loss(outputs, torch.full((6,), -1)) == 0


def test_smoothing_has_bounds():
    with pytest.raises(ParameterError, match="smoothing"):
        Classification(smoothing=1.5).check()


def test_probabilities_are_a_softmax():
    outputs = np.array([[1e4, 0, -1e4], [0, 0, 0], [1, 2, 3]], np.float32)
    p = Classification().probabilities(outputs)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(p, torch.from_numpy(outputs).softmax(1).numpy(), atol=1e-6)


def test_the_score_is_accuracy():
    rng = np.random.default_rng(0)
    y = np.array(["ox", "cat", "ibex"])[rng.integers(0, 3, 50)]
    task = Classification().fit(domain(y))
    outputs = rng.standard_normal((50, 3)).astype(np.float32)
    assert task.score(y, outputs) == accuracy_score(y, task.decode(outputs))
    longer = np.array(["ibexes"] * 4)
    assert task.score(longer, one_hot([1, 1, 1, 1], 3)) == 0


def test_linear_models_and_exports_are_logistic():
    task = Classification().fit(domain(["ox", "cat", "ox"]))
    assert (task.has_classes, task.stratified) == (True, True)
    assert (task.linear_loss, task.answer_name) == ("logistic", "probabilities")
    outputs = np.array([[1, 2], [3, 0], [0.5, 0.6]], np.float32)
    assert task.rows_right(np.array(["ox", "ox", "ibex"]), outputs).tolist() == [1, 0, 0]


OPEN = {
    "numbers": ([3, 1, 7], [1, 3, 7, -1], -1),
    "whole floats": ([2.0, 0.0, 1.0], [0, 1, 2, -1], -1),
    "names": (["cat", "ant"], ["ant", "cat", "unknown"], "unknown"),
}


@pytest.mark.parametrize("case", OPEN)
def test_rows_of_no_class_have_an_answer_of_their_own(case):
    y, names, unknown = OPEN[case]
    task = Classification(open_set=True).fit(domain(y))
    k = len(names)
    assert task.names.tolist() == names
    assert task.n_outputs == k - 1
    assert task.decode(one_hot([k - 1, 0], k)).tolist() == [unknown, names[0]]
    again = Classification(open_set=True).restore(task.state())
    assert again.names.tolist() == names


def test_a_strange_class_is_right_where_it_is_told_apart():
    y = np.array(["ant", "bee", "cat"])
    outputs = one_hot([0, 2, 0], 3)
    task = Classification(open_set=True).fit(domain(["ant", "cat"]))
    assert task.rows_right(y, outputs).tolist() == [1, 1, 0]
    closed = Classification().fit(domain(["ant", "cat"]))
    assert closed.rows_right(y, outputs[:, :2]).tolist() == [1, 0, 0]


def test_no_label_says_that_a_row_is_unknown():
    task = Classification(open_set=True).fit(domain([0, 1, 2]))
    assert task.encode(domain([0, -1, 2])).tolist() == [0, -1, 2]  # a missing one
    with pytest.raises(DataError, match="must be among the 2 classes"):
        Classification(open_set=True).fit(domain(["a", "b"])).encode(domain(["a", "unknown"]))


@pytest.mark.parametrize("y", [["cat", "unknown"], np.array([-1, 4])])
def test_a_class_with_the_name_of_the_unknown_is_refused(y):
    with pytest.raises(DataError, match="rename it"):
        Classification(open_set=True).fit(domain(y, missing=None))
