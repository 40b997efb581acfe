"""A domain: inputs with all, some or none of their labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.validation import _check_method_params

from fourfold.data.differences import input_difference
from fourfold.data.domain import Domain
from fourfold.data.pooling import join_descriptions, pool
from fourfold.errors import DataError

X = np.arange(8.0).reshape(4, 2)


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


def test_pooled_domains_keep_their_labels():
    sources = [Domain(X, [0, 1, 2, -1], classes={0: [1.0]}), Domain(X[:2]), Domain(X[:1], [5.0])]
    whole = pool(sources)
    assert (whole.n_rows, whole.n_labelled) == (7, 4)
    assert sorted(whole.known) == [0, 1, 2, 5]
    assert pool(sources[::-1]).digest == whole.digest
    assert whole.classes is sources[0].classes
    assert pool(sources[:1]) is sources[0]
    with pytest.raises(DataError, match="must be numbers, or all names; got both"):
        pool([*sources, Domain(X[:1], ["a"])])


def test_the_first_description_of_a_class_counts():
    a, b = Domain(X, classes={"a": [1.0]}), Domain(X, classes={"a": [2.0], "b": [3.0]})
    joined = join_descriptions([Domain(X), a, b])
    assert joined.matrix.tolist() == [[1.0], [3.0]]
    assert join_descriptions([Domain(X)]) is None


def test_differences_between_inputs_are_named():
    wide = Domain(np.ones((2, 3)))
    assert input_difference({"a": Domain(X), "b": Domain(X[:1])}) == ""
    says = "rows of shape (2,) in 'a' and rows of shape (3,) in 'c'"
    assert input_difference({"a": Domain(X), "b": Domain(X), "c": wide}) == says
