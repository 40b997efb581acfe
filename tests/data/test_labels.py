"""Labels as users write them, and the marks of missing ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fourfold.data.domain import Domain
from fourfold.errors import DataError

X = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("y", "labelled"),
    [
        ([0, 1, 1, 0], [1, 1, 1, 1]),
        ([0, -1, 1, -1], [1, 0, 1, 0]),
        ([0.0, np.nan, 1.0, 2.0], [1, 0, 1, 1]),
        (["a", None, "b", None], [1, 0, 1, 0]),
        ([-1, -1, -1, -1], [0, 0, 0, 0]),
        ([-1.5, -1.0, 0.0, 2.0], [1, 1, 1, 1]),
        ([-2, -1, 0, 1], [1, 1, 1, 1]),
        ([True, False, True, None], [1, 1, 1, 0]),
        (pd.Series(["a", None, "b", "c"]), [1, 0, 1, 1]),
        (pd.Series([1, None, 2, 3], dtype="Int64"), [1, 0, 1, 1]),
        (pd.Series([None] * 4, dtype=object), [0, 0, 0, 0]),
        ([[1.0, np.nan], [np.nan, np.nan], [1.0, 2.0], [0.0, 0.0]], [1, 0, 1, 1]),
        (np.array([[0], [1], [-1], [2]]), [1, 1, 0, 1]),
    ],
)
def test_what_counts_as_a_missing_label(y, labelled):
    domain = Domain(X, y)
    assert domain.labelled.astype(int).tolist() == labelled
    assert domain.n_labelled == sum(labelled)


def test_minus_one_beside_one_is_ambiguous_unless_said():
    with pytest.raises(DataError, match="ambiguous"):
        Domain(X, [-1, 1, 1, -1])
    assert Domain(X, [-1, 1, 1, -1], missing=-1).n_labelled == 2
    assert Domain(X, [-1, 1, 1, -1], missing=None).n_labelled == 4


def test_a_mark_of_ones_own():
    domain = Domain(X, ["?", "a", "b", "?"], missing="?")
    assert domain.counts == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("y", "says"),
    [
        ([0, 1], "same number of rows"),
        ([0, "a", 1, "b"], "mixture"),
        (np.zeros((4, 2, 2)), r"must be \(n,\)"),
        ([0.0, np.inf, 1.0, 2.0], "finite"),
        (np.zeros(4, complex), "Complex"),
        (sparse.csr_array(np.ones((4, 1))), "sparse"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(y, says):
    with pytest.raises(DataError, match=says):
        Domain(X, y)
