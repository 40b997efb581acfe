"""The labels tell the task."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.core.tasks import Attributes, Classification, Regression, infer_task
from fourfold.errors import DataError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


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
