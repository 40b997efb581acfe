"""Missing cells are counted with their marks; marks fit in any form, and what fits no cell not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.schema import Hints, as_pile, read_piles
from fourfold.errors import DataError

N = 60


def read(*cells, **hints):
    """Read the column x of several piles, beside another one."""
    frames = [pd.DataFrame({"x": list(part), "other": ["u", "v"] * (N // 2)}) for part in cells]
    schema, parts = read_piles([as_pile(one, "t") for one in frames], Hints(**hints))
    return schema, [part.frame["x"] for part in parts]


def days(*marks):
    plain = [f"2015-0{1 + i % 9}-1{i % 10}" for i in range(N - len(marks))]
    return [*plain, *marks]


def test_missing_cells_are_counted_with_their_marks():
    numbers = [*map(str, np.arange(N - 4) / 8), "NA", "NA", "", "?"]
    schema, _ = read(numbers)
    assert schema.gaps == {"x": "4 of 60, 'NA'"}
    schema, _ = read(["red", "null", "n/a", "blue"] * 15, ["red", "", "blue", "red"] * 15)
    assert schema.gaps == {"x": "45 of 120, 'n/a', 'null'"}
    assert not read(["red", "blue"] * 30)[0].gaps
    assert read([1.5, np.nan] * 30)[0].gaps == {"x": "30 of 60"}


@pytest.mark.parametrize("mark", ["-9999", "-9999.0", "-9.999e3"])
@pytest.mark.parametrize("written", ["-9999", "-9999.0", "-9999,00"])
def test_a_mark_that_is_a_number_fits_in_any_form(mark, written):
    sign = "," if "," in written else "."
    cells = [*(f"{i / 8}".replace(".", sign) for i in range(N - 3)), *[written] * 3]
    _, (values,) = read(cells, missing=(mark,))
    assert values.isna().sum() == 3
    assert values.max() == (N - 4) / 8


def test_a_code_is_no_number_that_is_a_mark():
    _, (values,) = read(["0999", "0001"] * 30, missing=("999",))
    assert values.notna().all()


@pytest.mark.parametrize("mark", ["9999-12-31", "1900-01-01", "2999-12-31 00:00"])
def test_a_day_far_from_all_others_is_noted_with_its_cell(mark):
    schema, (moments,) = read(days(mark, mark, mark))
    (note,) = schema.notes
    assert note.said == f"3 cells are {mark}, far from all others: a mark of missing ones?"
    assert moments.notna().all()
    settled, (moments,) = read(days(mark, mark, mark), **{note.option: (note.value,)})
    assert moments.isna().sum() == 3
    assert not settled.notes


def test_days_that_are_near_or_occur_once_are_days():
    assert not read(days("9999-12-31"))[0].notes
    assert not read(days("1970-01-01", "1970-01-01", *["1971-02-03"] * 30))[0].notes


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"numbers": ("x",)}, "must be of numbers; got 60 of 60 cells are no numbers"),
        ({"dates": {"x": "%Y-%m"}}, "must be of dates; got 60 of 60 cells are no dates"),
        ({"dates": {"x": ""}}, "must hold dates in a known form; got 'blue', 'red': give their"),
    ],
)
def test_what_fits_no_cell_is_refused(hints, words):
    with pytest.raises(DataError, match=f"column 'x' {words}"):
        read(["red", "blue"] * 30, **hints)


@pytest.mark.parametrize(
    ("piles", "codes"),
    [
        ((["1", "2", "3"] * 20, ["1", "2", "3B"] * 20), "'3B'"),
        ((["1", "2", "3"] * 20, ["1", "2", "3B", "4C"] * 15), "'3B', '4C'"),
        ((["1", "2", "3B"] * 20,), "'3B'"),
    ],
)
def test_codes_beside_numbers_are_noted(piles, codes):
    schema, _ = read(*piles)
    (note,) = schema.notes
    assert note[1:] == (f"codes such as {codes} beside numbers: categories", "numbers", "x")
    assert not read(*piles, categories=("x",))[0].notes


def test_a_mark_that_no_cell_is_is_noted():
    cells = [*map(str, np.arange(N - 1) / 8), "-9999.0"]
    assert not read(cells, missing=("-9999",))[0].notes
    schema, _ = read(cells, missing=("-9999", "-7", "Q"))
    assert [note.said for note in schema.notes] == [
        f"no cell is {mark!r}, the mark of missing ones" for mark in ("-7", "Q")
    ]


def test_a_row_alone_with_an_odd_cell_is_read():
    schema, _ = read(map(str, np.arange(N) / 8))
    row = as_pile(pd.DataFrame({"x": ["?"], "other": ["u"]}), "t")
    _, (alone,) = read_piles([row], schema.completing(Hints()))
    assert alone.frame["x"].isna().all()
