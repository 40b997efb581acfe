"""Every task goes through JSON, and its exported answers are those of numpy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fourfold import Domain
from fourfold.core.tasks import (
    TASKS,
    Attributes,
    Classification,
    Clustering,
    Regression,
    infer_task,
)
from fourfold.errors import DataError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


@pytest.mark.parametrize("task", [Regression(), Attributes()])
def test_other_numbers_of_outputs_are_refused(task):
    task.fit(domain([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
    with pytest.raises(DataError, match=r"the shop must be of 3 outputs.*; got 2"):
        task.encode(domain([[0.0, 1.0]], name="the shop"))
    with pytest.raises(DataError, match="got 1"):
        task.encode(domain([0.0, 1.0]))


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


@pytest.mark.parametrize(
    ("task", "y"),
    [
        (Classification(), ["x", "yy", "x"]),
        (Regression(), [0.5, 1.5, 9.0]),
        (Regression(), [[0.5, 1.5], [9.0, 2.0], [3.0, 4.0]]),
        (Attributes(), [[0, 1], [1, 1], [0, 0]]),
    ],
)
def test_encoded_labels_are_decoded(task, y):
    labels = task.fit(domain(y)).decode_labels(task.encode(domain(y)))
    if isinstance(task, Regression):
        np.testing.assert_allclose(labels, y, rtol=1e-6)
    else:
        np.testing.assert_array_equal(labels, y)


@pytest.mark.parametrize(
    ("task", "y"),
    [
        (Classification(), [0, 1, 2]),
        (Clustering(n_clusters=3), [0, 1, 2]),
        (Regression(), [0.5, 1.5, 9.0]),
        (Regression(), [[0.5, 1.5], [9.0, 2.0], [3.0, 4.0]]),
        (Attributes(), [[0, 1], [1, 1], [0, 0]]),
    ],
)
def test_exported_answers_are_those_of_numpy(task, y):
    task.fit(domain(y))
    outputs = np.random.default_rng(0).standard_normal((3, task.n_outputs)).astype(np.float32)
    exported = task.answer_module()(torch.from_numpy(outputs)).numpy()
    np.testing.assert_allclose(exported, task.answers(outputs), rtol=1e-6)
    assert exported.dtype == task.answers(outputs).dtype
