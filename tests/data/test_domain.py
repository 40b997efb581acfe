"""A domain: inputs with all, some or none of their labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils.validation import _check_method_params

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


def test_labels_that_are_needed_and_not_there():
    with pytest.raises(DataError, match="photos must have labels"):
        _ = Domain(X, name="photos").known


def test_a_source_stays_whole_among_scikit_learns_fit_parameters():
    domain = Domain(X, [0, 1, 0, 1])
    sliced = _check_method_params(X, {"source": domain}, indices=np.array([0, 1]))
    assert sliced["source"] is domain


def test_of_takes_a_domain_as_it_is_or_makes_one():
    domain = Domain(X, [0, 1, 0, 1])
    assert Domain.of(domain) is domain
    assert Domain.of(X, [0, 1, 0, 1]).digest == domain.digest
    with pytest.raises(DataError, match="inside a Domain"):
        Domain.of(domain, [0, 1, 0, 1])


def test_hidden_labels_are_not_known_and_the_domain_itself_is_unchanged():
    domain = Domain(X, ["a", "b", "a", "b"], classes={"a": 1}, name="d")
    hidden = domain.hide(np.array([0, 1]))
    assert hidden.known.tolist() == ["a", "b"]
    assert domain.n_labelled == 4
    assert (hidden.name, hidden.classes) == ("d", domain.classes)
    assert domain.unlabelled().n_labelled == 0


def test_a_subset_is_the_domain_of_those_rows():
    domain = Domain(X, [0, -1, 2, 3])
    part = domain.subset(np.array([3, 1]))
    np.testing.assert_array_equal(part.rows.take(np.arange(2)), X[[3, 1]])
    assert part.known.tolist() == [3]


def test_the_digest_follows_inputs_labels_and_which_of_them_are_known():
    domain = Domain(X, [0, 1, 2, 3])
    others = [
        Domain(X),
        Domain(X + 1, [0, 1, 2, 3]),
        Domain(X, [0, 1, 2, 4]),
        domain.hide(np.array([0])),
        Domain(X, ["0", "1", "2", "3"]),
    ]
    digests = {domain.digest, *(other.digest for other in others)}
    assert len(digests) == 6
    assert Domain(X.copy(), np.array([0, 1, 2, 3])).digest == domain.digest
