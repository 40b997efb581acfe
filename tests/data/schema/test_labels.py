"""Labels are settled over all piles together: their type, their names and their missing marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.schema import Hints, Plain, as_pile, read_piles, settle_plain
from fourfold.errors import DataError


def read(*labels, name="y", **hints):
    """Read labels of several piles: the labels of the schema, each pile's values, and notes."""
    frames = [pd.DataFrame({"x": np.arange(len(y)) % 3, name: list(y)}) for y in labels]
    schema, parts = read_piles([as_pile(f, "t") for f in frames], Hints(label=(name,), **hints))
    return schema.labels, [part.y.tolist() for part in parts], [n.said for n in schema.notes]


def test_codes_with_zeros_are_names_in_every_pile():
    labels, (first, other), _ = read(["001", "002"], ["001", "X03"])
    assert labels.type == "classes"
    assert not labels.whole
    assert (first, other) == (["001", "002"], ["001", "X03"])
    _, (first, other), notes = read(["1", "2"], ["1", "X03"])
    assert (first, other) == (["1", "2"], ["1", "X03"])
    assert "read as names of classes" in notes[0]


def test_whole_numbers_are_classes_and_floats_that_are_whole_as_well():
    labels, (first, other), _ = read(["1", "2", ""], ["1.0", "3.0", None])
    assert labels.whole
    np.testing.assert_array_equal([first, other], [[1, 2, np.nan], [1, 3, np.nan]])


def test_few_prices_beside_many_are_prices():
    many, few = [str(17 * i + 3) for i in range(600)], ["100", "250", "300"] * 10
    labels, (_, second), _ = read(many, few)
    assert labels.type == "numbers"
    assert second[:3] == [100.0, 250.0, 300.0]
    labels, _, notes = read(["18", "65"], [str(18 + i % 40) for i in range(200)])
    assert labels.type == "classes"
    assert "whole numbers are read as classes" in notes[0]
    assert read(["18", "65"], label_type="numbers")[0].type == "numbers"


def test_marks_among_measurements_are_missing_and_other_words_are_asked_about():
    prices = [f"{1.5 * i:.2f}" for i in range(100)]
    labels, (values,), notes = read([*prices, "?"])
    assert labels.type == "numbers"
    assert np.isnan(values[-1])
    assert notes == ["1 labels '?' are read as missing"]
    with pytest.raises(DataError, match="must be numbers; got 'sold' among them"):
        read([*prices, "sold"])
    assert np.isnan(read([*prices, "sold"], missing_label=("sold",))[1][0][-1])
    assert read([*prices, "sold"], label_type="classes")[0].type == "classes"


def test_numbers_are_read_in_their_form():
    labels, (values,), _ = read(["1,5", "2,25", ""])
    assert (labels.type, labels.decimal) == ("numbers", ",")
    np.testing.assert_array_equal(values, [1.5, 2.25, np.nan])


def test_a_class_that_may_be_a_mark_is_said():
    _, (values,), notes = read(["low", "None", "high"])
    assert values == ["low", None, "high"]
    assert notes == ["1 labels 'None' are read as missing"]
    _, (values,), notes = read(["low", "None", ""])
    assert values == ["low", "None", None]
    assert "'None' is a class" in notes[0]
    _, (values,), _ = read(["low", "None", "high"], missing_label=("",))
    assert values == ["low", "None", "high"]
    _, (values,), _ = read(["low", "?", "high"], missing_label=("?",))
    assert values == ["low", None, "high"]


def test_minus_one_is_said_or_asked():
    _, (values,), notes = read(["-1", "0", "1"])
    np.testing.assert_array_equal(values, [np.nan, 0, 1])
    assert notes == ["1 labels -1 are read as missing"]
    _, (values,), notes = read(["-1", "0", "1", ""])
    np.testing.assert_array_equal(values, [-1, 0, 1, np.nan])
    assert "-1 is a class" in notes[0]
    with pytest.raises(DataError, match="only -1 and 1 are ambiguous"):
        read(["-1", "1"])
    assert read(["-1", "1"], missing_label=("",))[1] == [[-1, 1]]


def several(columns, **hints):
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5] * 2, **columns})
    schema, (part,) = read_piles([as_pile(frame, "t")], Hints(label=tuple(columns), **hints))
    return schema, part.y


def test_several_columns_are_answers_numbers_or_one_hot_classes():
    schema, y = several({"a": ["yes", "no", ""] * 2, "b": ["1", "0", "1"] * 2})
    assert schema.labels.type == "yes-no"
    np.testing.assert_array_equal(y[:3], [[1, 1], [0, 0], [np.nan, 1]])
    schema, y = several({"a": ["1.5", "2", ""] * 2, "b": ["10", "20", "30"] * 2})
    assert schema.labels.type == "numbers"
    np.testing.assert_array_equal(y[:3], [[1.5, 10], [2, 20], [np.nan, 30]])
    hot = {"a": [1, 0, 0] * 2, "b": [0, 1, 0] * 2, "c": [0, 0, 1] * 2}
    schema, y = several(hot)
    assert y.tolist() == ["a", "b", "c"] * 2
    assert schema.notes[0].option == "label_type"
    assert several(hot, label_type="yes-no")[1].shape == (6, 3)
    with pytest.raises(DataError, match="must be numbers, or answers"):
        several({"a": ["x", "y", "z"] * 2, "b": ["1", "0", "1"] * 2})


def test_spellings_of_one_class_are_noted():
    _, (values,), notes = read(["Cat", "cat", " cat"])
    assert values == ["Cat", "cat", "cat"]
    assert "different classes" in notes[0]


def test_labels_that_do_not_fit_are_refused_with_the_first():
    with pytest.raises(DataError, match="must be numbers; got 'x'"):
        read(["1.5", "x"], label_type="numbers")
    with pytest.raises(DataError, match=r"yes or no.*got 'maybe'.*row 2"):
        read(["yes", "maybe"], label_type="yes-no")


def test_prices_of_small_files_are_measured_over_all_of_them():
    prices = [str(1_000 * (50 + 37 * i % 800)) for i in range(75)]
    labels, (first, _), notes = read(prices[:45], prices[45:])
    assert labels.type == "numbers"
    assert first[:2] == [50_000.0, 87_000.0]
    assert notes == ["75 different whole numbers are read as measurements"]
    assert read(prices[:45], prices[45:], label_type="classes")[0].type == "classes"
    assert read(prices[:19])[0].type == "classes"  # too few to tell


def test_one_label_of_each_class_beside_many_is_a_class():
    codes = [str(7 * i + 100) for i in range(40)]
    labels, _, notes = read(codes * 9, codes)
    assert labels.type == "classes"
    assert notes == ["40 whole numbers are read as classes"]
    assert not read(codes * 9, codes, label_type="classes")[2]


def test_ages_that_repeat_are_noted_as_measurements():
    ages = [str(18 + i % 62) for i in range(600)]
    labels, _, notes = read(ages, ages[:30])
    assert labels.type == "numbers"
    assert notes == ["62 different whole numbers are read as measurements"]
    assert not read(ages, ages[:30], label_type="numbers")[2]


@pytest.mark.parametrize("mark", ["-1", "-1.0"])
def test_a_mark_of_labels_that_is_a_number_fits_in_any_form(mark):
    labels, (values,), _ = read(["-1.0", "0.0", "1.0", "2.0", "-1"], missing_label=(mark,))
    np.testing.assert_array_equal(values, [np.nan, 0, 1, 2, np.nan])
    assert labels.whole
    codes = ["01", "1", "2"]
    assert read(codes, missing_label=("1",))[1] == [["01", None, "2"]]


def test_several_columns_of_classes_are_refused_with_the_way():
    frame = pd.DataFrame({"a": ["x", "y"] * 9, "b": ["p", "q"] * 9, "n": range(18)})
    with pytest.raises(DataError, match=r"got 'p', 'q', 'x' .*: give each column of classes alone"):
        read_piles([as_pile(frame, "t")], Hints(label=("a", "b")))


def test_a_mark_that_no_label_is_is_noted():
    said = "no label is 'Q', the mark of missing ones"
    assert read(["a", "b", ""] * 9, missing_label=("Q",))[2] == [said]
    assert not read(["a", "b", "Q"] * 9, missing_label=("Q",))[2]
    folders = [Plain("pets", np.array(["cat", "dog"] * 9, object))]
    _, schema = settle_plain(folders, Hints(missing_label=("Q",)))
    assert [note.said for note in schema.notes] == [said]
    assert settle_plain(folders, Hints(missing_label=("cat",)))[1] is None


def test_labels_in_forms_of_their_own_have_a_remedy_that_is_taken():
    first, other = [f"{i},5" for i in range(60)], [f"{i}.25" for i in range(60)]
    frames = [pd.DataFrame({"x": np.arange(60) % 3, "y": cells}) for cells in (first, other)]
    schema, parts = read_piles([as_pile(f, n) for f, n in zip(frames, "ab", strict=True)],
                               Hints(label=("y",)))  # fmt: skip
    assert (parts[0].y[1], parts[1].y[1]) == (1.5, 1.25)
    (note,) = schema.notes
    assert "each file is read in its own form" in note.said
    assert (note.option, note.value) == ("label_type", "classes")
