"""Descriptions as users write them are read or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError


def test_kinds_are_told_apart():
    of = Descriptions.of
    assert of({"a": [1.0], "b": [2.0]}).kind == "vectors"
    assert of({"a": {"x": 1}, "b": {"x": 2}}).kind == "attributes"
    assert of({"a": "one thing", "b": "another"}).kind == "texts"
    names = of(["red fox", "crow"])
    assert (names.names.tolist(), names.texts) == (["red fox", "crow"], ["red fox", "crow"])
    assert (
        of(pd.DataFrame({"said": ["it is very small", "large"]}, index=["a", "b"])).kind == "texts"
    )
    assert of(pd.DataFrame({"size": ["small", "large"]}, index=["a", "b"])).kind == "attributes"
    known = of({"a": [1.0], "b": [2.0]})
    assert of(known) is known


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({}, "there must be a class to describe"),
        ([1, 2], "table with a class a row.* got list"),
        ([], "table with a class a row.* got list"),
        (["a", "a"], "described once; got 'a' twice"),
        ({"a": [1.0], "b": [1.0, 2.0]}, r"one width; got shape \(1,\) for 'a' and \(2,\) for 'b'"),
        ({"a": [1.0], "b": "text"}, "got a mixture or something else"),
        ({"a": [np.nan], "b": [1.0]}, "must be finite; got NaN or infinity for 'a'"),
        ({"a": "", "b": "some text"}, "got an empty one for 'a'"),
        ({"a": {"x": 1}, "b": {"x": None}}, "must have some attribute; got none for b"),
        ({"a": [1.0], 2: [2.0]}, "all words or all whole numbers; got a mixture"),
        (pd.DataFrame({"x": [1, 2]}, index=["a", "a"]), "described once; got 'a' twice"),
        (pd.DataFrame(index=["a"]), "got 1 rows, 0 columns"),
    ],
)
def test_what_cannot_be_used_is_refused(classes, said):
    with pytest.raises(DataError, match=said):
        Descriptions.of(classes)


def test_names_are_as_labels_are():
    numbers = Descriptions.of({1: [1.0], np.int64(2): [2.0], 3.0: [3.0]})
    assert numbers.names.tolist() == [1, 2, 3]
    assert 2 in numbers
    assert np.float64(3) in numbers
    assert "2" not in numbers
