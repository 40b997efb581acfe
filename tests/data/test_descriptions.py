"""Descriptions are joined, picked and hashed."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError, FourfoldWarning


def test_subsets_come_in_the_order_asked_for():
    for classes in (
        {"a": [1.0], "b": [2.0], "c": [3.0]},
        {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}},
        {"a": "first one", "b": "second one", "c": "third one"},
    ):
        some = Descriptions.of(classes).subset(["c", "a"])
        assert some.names.tolist() == ["c", "a"]
        wanted = Descriptions.of({"c": classes["c"], "a": classes["a"]})
        assert some.digest == wanted.digest
    with pytest.raises(DataError, match="no description for d, e"):
        some.subset(["a", "d", "e"])


def test_joining_keeps_the_first_and_adds_the_rest():
    a = Descriptions.of({"a": [1.0], "b": [2.0]})
    both = a.joined(Descriptions.of({"b": [9.0], "c": [3.0]}))
    assert both.names.tolist() == ["a", "b", "c"]
    assert both.matrix[:, 0].tolist() == [1, 2, 3]
    assert a.joined(None) is a
    frames = Descriptions.of({"a": {"x": 1}}).joined(Descriptions.of({"b": {"z": 2}}))
    assert frames.attributes == ["x", "z"]
    for other in ({"c": [1.0, 2.0]}, {"c": {"x": 1}}):
        with pytest.raises(DataError, match="must be described in one way"):
            a.joined(Descriptions.of(other))


def test_the_digest_is_of_names_and_content():
    digests = {
        Descriptions.of(one).digest
        for one in ({"a": [1.0]}, {"b": [1.0]}, {"a": [2.0]}, {"a": {"x": 1}}, {"a": "some text"})
    }
    assert len(digests) == 5
    X = np.eye(2)
    assert Domain(X, classes={"a": [1.0]}).digest != Domain(X, classes={"a": [2.0]}).digest


@pytest.mark.parametrize(
    "classes",
    [
        {"a": [1.0], "b": [1.0], "c": [2.0]},
        {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 0}},
        {"a": "the same", "b": "the same", "c": "another one"},
    ],
)
def test_equal_descriptions_are_named(classes):
    with pytest.warns(FourfoldWarning, match="cannot be told apart: a = b"):
        Descriptions.of(classes)
