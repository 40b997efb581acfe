"""The kind of a column is settled over all piles together, and what is uncertain is noted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.schema import Hints, as_pile, infer_schema, read_piles
from fourfold.errors import DataError, ParameterError

N = 60
MIXED = [f"{1.5 * i:.2f}" for i in range(N)]


def infer(*columns, **hints):
    """Infer the column x of several piles, beside another one."""
    piles = [pile(cells) for cells in columns]
    return infer_schema(piles, Hints(**hints))


def pile(cells):
    frame = pd.DataFrame({"x": cells})
    return as_pile(
        frame.assign(other=["u", "v"] * (len(frame) // 2) + ["u"] * (len(frame) % 2)), "t"
    )


def said(schema, about="x"):
    return [note.said for note in schema.notes if note.about == about]


@pytest.mark.parametrize(
    ("piles", "kind"),
    [
        ([["1", "2", "3"] * 20, ["1", "2", "3B"] * 20], "category"),
        ([["001", "002"] * 30, ["1", "2"] * 30], "category"),
        ([["1", "2", "3"] * 20, ["2", "4"] * 30], "number"),
        ([[1, 2, 3] * 20, ["a", "b"] * 30], "category"),
        ([[True, False] * 30, [0.5, 1.5] * 30], "number"),
        ([["true", "false"] * 30, ["0", "1"] * 30], "number"),
        ([["true", "false"] * 30, ["true", "true"] * 30], "category"),
        ([[*MIXED[:-1], "?"]], "number"),
        ([[*MIXED[:-1], "1.2.3"]], "number"),
        ([[*MIXED[:-1], "unknown"]], "number"),
        ([["1,5", "2,25", "1.000,1"] * 20], "number"),
        ([["21,501", "3,000,001", "7"] * 20], "number"),
        ([["12.0%", "7.5%"] * 30], "number"),
        ([["$1,200", "$7"] * 30], "number"),
        (
            [[f"{d:02d}/{m:02d}/2021" for d, m in zip(range(1, 29), [1, 2] * 14, strict=True)]],
            "date",
        ),
        ([["Jan-2015", "Feb-2016"] * 30], "date"),
        ([["2020-01-02", "2021-11-30 10:00"] * 30], "date"),
        ([pd.to_datetime(["2020-01-02", "2021-11-30"] * 30)], "date"),
        ([[f"the film number {i % 25} was good" for i in range(400)]], "text"),
        ([["married, living together", "divorced"] * 30], "category"),
        ([pd.Categorical([1, 2] * 30)], "category"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_kind_over_all_piles(piles, kind):
    assert infer(*piles).columns["x"].kind == kind


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,5", "2,25"], [1.5, 2.25]),
        (["1.234,5", "2,25"], [1234.5, 2.25]),
        (["21,501", "3,000,001"], [21501, 3000001]),
        (["1 234.5", "7"], [1234.5, 7]),
        (["12.0%", "7%"], [12, 7]),
        (["−3", "4"], [-3, 4]),
        (["1e3", ".5"], [1000, 0.5]),
    ],
)
def test_written_numbers(cells, values):
    piles = [pile(cells * 30)]
    _, (read,) = read_piles(piles, Hints())
    assert read.frame["x"].tolist() == values * 30


def test_a_comma_that_may_be_both_is_said_and_settled_by_plain_columns_or_a_hint():
    schema = infer(["21,501", "30,001"] * 30)
    assert schema.columns["x"].thousands == ","
    assert [note.option for note in schema.notes] == ["decimal"]
    assert infer(["21,501", "30,001"] * 30, decimal=",").columns["x"].decimal == ","
    beside = pd.DataFrame({"x": ["21,501", "30,001"] * 30, "plain": ["1,5", "20,25"] * 30})
    assert infer_schema([as_pile(beside, "t")], Hints()).columns["x"].decimal == ","


def test_days_and_months_are_settled_by_any_cell_of_any_pile_or_asked():
    early = [f"0{1 + i % 9}/0{1 + i % 8}/2021" for i in range(40)]
    assert infer(early, ["25/01/2021"] * 2).columns["x"].format == "%d/%m/%Y"
    assert infer(early, ["01/25/2021"] * 2).columns["x"].format == "%m/%d/%Y"
    unsure = infer(early)
    assert unsure.notes[0].option == "dates"
    assert unsure.notes[0].value == "x=%m/%d/%Y"
    asked = infer(early, dates={"x": "%m/%d/%Y"})
    assert asked.columns["x"].format == "%m/%d/%Y"
    assert not asked.notes


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (range(N), "running index"),
        (np.arange(N)[::-1].copy() + 7.0, "running index"),
        (["same"] * N, "constant"),
        ([None] * N, "every cell is missing"),
        ([f"4{7 * i:015d}" for i in range(N)], "16 digits or more"),
        ([f"user{i}" for i in range(N)], "no cell occurs twice"),
    ],
)
def test_columns_that_are_left_out_are_noted_and_kept_by_a_hint(cells, why):
    schema = infer(cells)
    assert schema.inputs == ["other"]
    assert why in said(schema)[0]
    assert schema.notes[0].option == "keep"
    assert infer(cells, keep=("x",)).inputs == ["other", "x"]


@pytest.mark.parametrize(
    ("name", "out"),
    [("id", True), ("rowId", True), ("customerid", True), ("Order_ID", True), ("paid", False),
     ("bid", False), ("humid", False)],
)  # fmt: skip
def test_different_whole_numbers_are_an_identifier_by_their_name(name, out):
    cells = np.random.default_rng(0).permutation(10 * N)[:N]
    frame = pd.DataFrame({name: cells, "other": ["u", "v"] * (N // 2)})
    schema = infer_schema([as_pile(frame, "t")], Hints())
    assert (name not in schema.inputs) is out


def test_an_index_of_each_pile_is_one_and_few_rows_say_nothing():
    assert infer(range(30), range(40)).inputs == ["other"]
    assert infer(range(9)).inputs == ["other", "x"]


def test_sixteen_digits_never_pass_through_floats():
    cells = [f"9007199254740{993 + i % 7}" for i in range(N)]
    for given in (cells, [int(cell) for cell in cells]):
        schema, (read,) = read_piles([pile(given)], Hints())
        assert read.frame["x"].tolist() == cells
        assert said(schema) == ["whole numbers with 16 digits or more are categories"]
        again = schema.read(pile(given[:1]))
        assert again.frame["x"].tolist() == cells[:1]
    assert infer([int(cell) for cell in cells], numbers=("x",)).columns["x"].kind == "number"


def test_cells_that_do_not_fit_are_missing_and_the_first_are_shown():
    cells = [*MIXED[:50], "?", "x1.2", "1.2.3", "n", *MIXED[:6]]
    schema, (read,) = read_piles([pile(cells)], Hints())
    (note,) = said(schema)
    assert note.startswith("4 of 60 cells are no numbers and count as missing: '?' (row 51)")
    assert read.frame["x"].isna().sum() == 4


def test_infinity_is_missing_and_marks_in_disguise_are_noted():
    schema, (read,) = read_piles([pile([*MIXED[:-2], "inf", "-Infinity"])], Hints())
    assert said(schema) == ["2 of 60 cells are infinite and count as missing"]
    assert read.frame["x"].isna().sum() == 2
    schema, _ = read_piles([pile([*MIXED[:-2], "-9999", "-9999"])], Hints())
    assert schema.notes[0][2:] == ("missing", "-9999")
    marked, (read,) = read_piles([pile([*MIXED[:-2], "-9999", "-9999"])], Hints(missing=("-9999",)))
    assert not marked.notes
    assert read.frame["x"].isna().sum() == 2


def test_other_units_are_noted():
    piles = [pile([0.5 * i for i in range(N)]), pile([50.0 * i + 0.5 for i in range(N)])]
    schema, _ = read_piles(piles, Hints())
    assert "spread 100 times as far" in said(schema)[0]


def test_names_are_one_in_unicode_and_spellings_are_noted():
    schema = infer(["Cat", "cat", " cat"] * 20)
    assert "'Cat', 'cat' are different categories" in said(schema)[0]
    _, (read,) = read_piles([pile(["cafe\u0301", "caf\u00e9", "tea"] * 20)], Hints())
    assert read.frame["x"].nunique() == 2


def test_a_column_equal_to_the_label_is_left_out():
    frame = pd.DataFrame({"y": ["a", "b"] * 20, "copy": ["a", "b"] * 20, "x": range(0, 80, 2)})
    schema = infer_schema([as_pile(frame, "t")], Hints(label=("y",)))
    assert schema.inputs == ["x"]
    assert said(schema, "copy") == ["equal to the label in every row; left out"]
    kept = infer_schema([as_pile(frame, "t")], Hints(label=("y",), keep=("copy",)))
    assert kept.inputs == ["copy", "x"]


def test_hints_decide():
    schema = infer(["1", "2", "3"] * 20, categories=("x",))
    assert schema.columns["x"].kind == "category"
    assert infer(["a b", "c d"] * 30, text=("x",)).columns["x"].kind == "text"
    assert infer(["001", "002"] * 30, numbers=("x",)).columns["x"].kind == "number"
    assert infer(["1", "2"] * 30, drop=("other",)).inputs == ["x"]


def test_impossible_hints_are_one_sentence():
    with pytest.raises(DataError, match="must have the column 'z'; they have 'other', 'x'"):
        infer(["1", "2"], numbers=("z",))
    with pytest.raises(ParameterError, match="given once; got 'x' as numbers and text"):
        Hints(numbers=("x",), text=("x",))
    with pytest.raises(ParameterError, match="decimal must be"):
        Hints(decimal=";")
    with pytest.raises(DataError, match="dates and numbers"):
        infer([1.0, 2.0], pd.to_datetime(["2020-01-01", "2020-01-02"]))
    with pytest.raises(DataError, match="column to learn from; left out are x"):
        infer_schema([as_pile(pd.DataFrame({"x": range(N)}), "t")], Hints()).read(
            as_pile(pd.DataFrame({"x": range(N)}), "t")
        )
