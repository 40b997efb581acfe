"""Attributes are decoded as they were written; missing ones count nowhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.core.tasks import Attributes
from fourfold.errors import DataError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


def test_attributes_come_back():
    y = np.array([[1, 0], [0, 1], [1, 1]])
    task = Attributes().fit(domain(y))
    encoded = task.encode(domain(y))
    np.testing.assert_array_equal(task.decode(encoded.numpy() * 2 - 1), y)
    assert task.n_outputs == 2


def test_missing_attributes_count_nowhere():
    y = np.array([[1, NAN], [0, 1], [NAN, NAN]])
    pile = domain(y)
    task = Attributes().fit(pile)
    encoded, outputs = task.encode(pile), torch.randn(3, 2)
    there = ~encoded.isnan()
    expected = F.binary_cross_entropy_with_logits(outputs[there], encoded[there])
    torch.testing.assert_close(task.loss(outputs, encoded), expected)
    assert task.score(y, np.array([[1, 9], [1, 1], [9, 9]], np.float32)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("y", [[0, 1], [[0, 2], [1, 1]], [[0.5, 1], [0, 1]]])
def test_what_is_no_attribute_is_refused(y):
    with pytest.raises(DataError, match=r"attributes must be \(n, m\) of 0, 1 and NaN"):
        Attributes().fit(domain(y))


def test_exports_are_logits_and_rows_may_be_partly_right():
    task = Attributes().fit(domain([[0, 1], [1, 1]]))
    assert (task.has_classes, task.stratified) == (False, False)
    assert (task.linear_loss, task.answer_name) == ("logistic", "logits")
    outputs = np.array([[-1, 1], [-1, 1], [1, 1]], np.float32)
    y = np.array([[0.0, 1.0], [1.0, 1.0], [NAN, 0.0]])
    assert task.rows_right(y, outputs).tolist() == [1, 0.5, 0]


def test_probabilities_are_of_each_yes_and_no_logit_overflows():
    task = Attributes().fit(domain([[0, 1], [1, 1]]))
    found = task.probabilities(np.array([[0, 900], [-900, np.log(3)]], np.float32))
    np.testing.assert_allclose(found, [[0.5, 1], [0, 0.75]], rtol=1e-6)
