"""Labels go in as the user writes them and come back so; what is missing counts nowhere."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.core.tasks import TASKS, Attributes, Classification, Regression, infer_task
from fourfold.errors import DataError, ParameterError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


def one_hot(codes, k):
    return np.eye(k, dtype=np.float32)[codes]


# --- classes -------------------------------------------------------------------------------------

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


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_numbers_are_standardized_and_come_back(shape):
    y = 50 + 7 * np.random.default_rng(0).standard_normal(shape)
    task = Regression().fit(domain(y))
    encoded = task.encode(domain(y))
    assert encoded.dtype == torch.float32
    torch.testing.assert_close(encoded.mean(0), torch.zeros(task.n_outputs), atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.std(0, correction=0), torch.ones(task.n_outputs))
    decoded = task.decode(encoded.numpy())
    assert decoded.shape == shape
    np.testing.assert_allclose(decoded, y, rtol=1e-5)


def test_holes_in_several_numbers():
    y = np.array([[1.0, 10.0], [NAN, 20.0], [3.0, NAN], [NAN, NAN]])
    pile = domain(y)
    task = Regression().fit(pile)
    np.testing.assert_allclose(task.mean_, [2, 15])
    np.testing.assert_allclose(task.scale_, [1, 5])
    encoded = task.encode(pile)
    np.testing.assert_array_equal(encoded.isnan().numpy(), np.isnan(y))
    outputs = torch.zeros(4, 2, requires_grad=True)
    loss = task.loss(outputs, encoded)
    assert loss.item() == pytest.approx(1.0)  # four known labels, each one spread from its mean
    loss.backward()
    assert (outputs.grad[encoded.isnan()] == 0).all()
    assert (outputs.grad[~encoded.isnan()] != 0).all()


def test_a_number_that_never_changes_keeps_its_unit():
    task = Regression().fit(domain([2.5, 2.5]))
    assert task.scale_.tolist() == [1.0]
    assert task.decode(np.zeros((1, 1), np.float32)).tolist() == [2.5]


def test_the_loss_is_the_mean_square():
    outputs, y = torch.randn(7, 2), torch.randn(7, 2)
    torch.testing.assert_close(Regression().loss(outputs, y), F.mse_loss(outputs, y))
    assert Regression().loss(outputs, torch.full((7, 2), NAN)) == 0


@pytest.mark.parametrize("shape", [(30,), (30, 2)])
def test_the_score_is_r2(shape):
    rng = np.random.default_rng(1)
    y = rng.standard_normal(shape)
    task = Regression().fit(domain(y))
    outputs = rng.standard_normal((30, task.n_outputs)).astype(np.float32)
    assert task.score(y, outputs) == pytest.approx(r2_score(y, task.decode(outputs)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"], "labels of a regression must be numbers; got names"),
        ([[1.0, NAN], [2.0, NAN]], "each output must have a label; got none for output 1"),
    ],
)
def test_what_is_no_number_is_refused(y, message):
    with pytest.raises(DataError, match=message):
        Regression().fit(domain(y))


@pytest.mark.parametrize("task", [Regression(), Attributes()])
def test_other_numbers_of_outputs_are_refused(task):
    task.fit(domain([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
    with pytest.raises(DataError, match=r"the shop must be of 3 outputs.*; got 2"):
        task.encode(domain([[0.0, 1.0]], name="the shop"))
    with pytest.raises(DataError, match="got 1"):
        task.encode(domain([0.0, 1.0]))


# --- answers -------------------------------------------------------------------------------------


def test_answers_come_back():
    y = np.array([[1, 0], [0, 1], [1, 1]])
    task = Attributes().fit(domain(y))
    encoded = task.encode(domain(y))
    np.testing.assert_array_equal(task.decode(encoded.numpy() * 2 - 1), y)
    assert task.n_outputs == 2


def test_missing_answers_count_nowhere():
    y = np.array([[1, NAN], [0, 1], [NAN, NAN]])
    pile = domain(y)
    task = Attributes().fit(pile)
    encoded, outputs = task.encode(pile), torch.randn(3, 2)
    there = ~encoded.isnan()
    expected = F.binary_cross_entropy_with_logits(outputs[there], encoded[there])
    torch.testing.assert_close(task.loss(outputs, encoded), expected)
    assert task.score(y, np.array([[1, 9], [1, 1], [9, 9]], np.float32)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("y", [[0, 1], [[0, 2], [1, 1]], [[0.5, 1], [0, 1]]])
def test_what_is_no_answer_is_refused(y):
    with pytest.raises(DataError, match=r"attributes must be \(n, m\) of 0, 1 and NaN"):
        Attributes().fit(domain(y))


# --- all -----------------------------------------------------------------------------------------

INFERRED = [
    ([0, 1, 2], Classification),
    ([0.0, 1.0, NAN], Classification),
    (["a", "b"], Classification),
    (["a", None], Classification),
    ([True, False], Classification),
    ([True, None], Classification),
    ([0.5, 1.0], Regression),
    ([0.5, NAN], Regression),
    ([[0, 1], [1, 1]], Attributes),
    ([[0, NAN], [1, 1]], Attributes),
    ([[0, 2], [1, 1]], Regression),
    ([[0.5, NAN], [NAN, 1]], Regression),
]


@pytest.mark.parametrize(("y", "kind"), INFERRED)
def test_the_labels_say_what_is_to_be_learnt(y, kind):
    task = infer_task(domain(y))
    assert type(task) is kind
    task.fit(domain(y)).encode(domain(y))


def test_tables_of_names_are_refused():
    with pytest.raises(DataError, match="names"):
        infer_task(domain([["a", "b"], ["c", "d"]]))


@pytest.mark.parametrize(
    "y", [[3, 5, 3], ["x", "yy", "x"], [True, False, True], [0.5, 1.5, 9], [[0, 1], [1, 1], [0, 0]]]
)
def test_a_task_goes_through_json(y):
    pile = domain(y)
    task = infer_task(pile).fit(pile)
    state = json.loads(json.dumps(task.state()))
    again = TASKS[type(task).__name__]().restore(state)
    assert again.n_outputs == task.n_outputs
    torch.testing.assert_close(again.encode(pile), task.encode(pile), rtol=0, atol=0)
    outputs = np.random.default_rng(0).standard_normal((3, task.n_outputs)).astype(np.float32)
    np.testing.assert_array_equal(again.decode(outputs), task.decode(outputs))
    assert task.head(5)(torch.zeros(2, 5)).shape == (2, task.n_outputs)
