"""Descriptions become rows of numbers, and say what is wrong with them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError

ANIMALS = Descriptions.of(
    {
        "horse": {"tame": True, "legs": 4, "diet": "grass", "hoofs": 1},
        "crow": {"tame": False, "legs": 2, "diet": "seeds"},
        "snake": {"tame": False, "legs": 0, "hoofs": 0},
    }
)


def test_each_sort_has_its_columns():
    made = Signatures.fit(ANIMALS)
    assert [(e.kind, e.width) for e in made.encoders] == [
        ("binary", 1), ("continuous", 1), ("categorical", 2), ("binary", 1)
    ]  # fmt: skip
    assert made.width == 5
    S = made.transform(ANIMALS)
    np.testing.assert_array_equal(S[:, 0], [1, 0, 0])
    np.testing.assert_allclose([S[:, 1].mean(), S[:, 1].std()], [0, 1], atol=1e-6)
    np.testing.assert_array_equal(S[:, 2:4], [[1, 0], [0, 1], [np.nan, np.nan]])
    np.testing.assert_array_equal(S[:, 4], [1, np.nan, 0])


def test_what_is_missing_is_filled_by_the_average():
    made = Signatures.fit(ANIMALS)
    np.testing.assert_allclose(made.filled(ANIMALS)[2, 2:4], [0.5, 0.5])
    assert made.filled(ANIMALS)[1, 4] == 0.5


def test_it_is_kept_as_json():
    made = Signatures.fit(ANIMALS)
    again = Signatures.restore(json.loads(json.dumps(made.state())))
    np.testing.assert_array_equal(again.transform(ANIMALS), made.transform(ANIMALS))
    np.testing.assert_array_equal(again.filled(ANIMALS), made.filled(ANIMALS))


def test_values_are_written_back():
    made = Signatures.fit(ANIMALS)
    S = made.transform(ANIMALS)
    words = [encoder.decode(S[:, on]) for encoder, on in made.columns()]
    assert words == [
        ["yes", "no", "no"], ["4", "2", "0"], ["grass", "seeds", "?"], ["1", "?", "0"]
    ]  # fmt: skip


def test_vectors_stay_as_they_are():
    words = Descriptions.of({1: [0.5, 2.0], 2: [3.0, 1.0]})
    np.testing.assert_array_equal(Signatures.fit(words).transform(words), words.matrix)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"x": {"tame": 2}}, "'tame' must be no or yes; got 2"),
        ({"x": {"diet": "meat"}}, "'diet' must be one of grass, seeds; got 'meat'"),
        ({"x": {"legs": "four"}}, "'legs' must be a finite number; got 'four'"),
        ({"x": {"wings": 2}}, "one of the attributes of fit"),
        ({"x": [1.0, 2.0]}, "described by attributes, as in fit; got vectors"),
    ],
)
def test_later_classes_must_be_described_alike(wrong, said):
    with pytest.raises(DataError, match=said):
        Signatures.fit(ANIMALS).transform(Descriptions.of(wrong))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([1, "two"], "all numbers or all words; got a mixture"),
        ([1.5, np.inf], "must be finite; got infinity"),
        ([None, None], "must be known for some class"),
    ],
)
def test_attributes_that_cannot_be_used_are_refused(column, said):
    frame = pd.DataFrame({"a": [1, 2], "b": column}, index=["x", "y"])
    with pytest.raises(DataError, match=said):
        Signatures.fit(Descriptions.of(frame))


def test_texts_must_be_encoded_first():
    with pytest.raises(DataError, match="texts must be encoded"):
        Signatures.fit(Descriptions.of({"a": "an animal", "b": "a bird"}))
