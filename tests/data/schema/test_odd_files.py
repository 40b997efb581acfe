"""Files that write the same in different ways: read so, or named with the option that helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.schema import Hints, Schema, as_pile, infer_schema, read_piles

N = 60
DAYS = [(1 + 5 * i % 28, 1 + i % 12) for i in range(N)]


def piles(*columns):
    """Tables with the column x, named a.csv, b.csv, ..., beside another one."""
    frames = []
    for cells in columns:
        other = (["u", "v", "v"] * len(cells))[: len(cells)]
        frames.append(pd.DataFrame({"x": list(cells), "other": other}))
    return [as_pile(f, f"{name}.csv") for f, name in zip(frames, "abc", strict=False)]


def read(*columns, **hints):
    """The schema, the notes on x, and x as it was read in each table."""
    schema, found = read_piles(piles(*columns), Hints(**hints))
    notes = [note for note in schema.notes if note.about == "x"]
    return schema, notes, [one.frame["x"].tolist() for one in found]


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        (["3,5", "4,25"], ["3.5", "4.25"], [3.5, 4.25]),
        (["1.234,5", "2,25"], ["1,234.5", "2.25"], [1234.5, 2.25]),
        (["3,5 €", "12.345,67 €"], ["$3.5", "$12,345.67"], [3.5, 12345.67]),
        (["12 kg", "7 kg"], ["12", "7"], [12, 7]),
    ],
)
def test_each_file_is_read_with_its_own_signs(first, second, values):
    schema, (note, *_), both = read(first * 30, second * 30)
    assert both == [values * 30] * 2
    assert " in a.csv; " in note.said
    assert "new rows as in b.csv" in note.said
    assert note.option == "categories"
    assert Schema.of_json(schema.to_json()).columns == schema.columns
    _, _, few = read(first * 30, second)
    assert few == [values * 30, values]


def test_each_file_is_read_with_its_own_format_of_dates():
    first = [f"{d:02}/{m:02}/2020" for d, m in DAYS]
    second = [f"{m:02}/{d:02}/2020" for d, m in DAYS]
    schema, (note,), (a, b) = read(first, second)
    assert a == b
    assert note.said.startswith("dd/mm/yyyy in a.csv; mm/dd/yyyy in b.csv")
    assert schema.columns["x"].format == "%m/%d/%Y"
    _, _, (a, b) = read(["13:05", "07:45"] * 30, ["1:05 PM", "7:45 AM"] * 30)
    assert a == b
    _, notes, (a, b) = read(first, second, dates={"x": "%d/%m/%Y"})
    assert a[:12] != b[:12]
    assert notes[0].said.startswith("33 of 120 cells are no dates and count as missing")


def test_labels_are_read_with_the_signs_of_their_file():
    cells = [f"{1.3 * i:.1f}" for i in range(N)]
    commas = [cell.replace(".", ",") for cell in cells]
    schema, (a, b) = read_piles(piles(commas, cells), Hints(label=("x",)))
    assert a.y.tolist() == b.y.tolist()
    assert "decimal comma in a.csv" in schema.notes[0].said
    again = Schema.of_json(schema.to_json())
    assert again.labels == schema.labels
    assert again.read(piles(commas)[0]).y.tolist() == a.y.tolist()


@pytest.mark.parametrize("cells", [["1.014", "345.012"], ["1.014 €", "345.012 €"], ["1.014", "7"]])
def test_a_point_that_may_be_of_thousands_is_said(cells):
    for columns in ([cells * 30], [cells * 30, ["12345", "678"] * 30]):
        _, notes, (values, *_) = read(*columns)
        (note,) = (one for one in notes if "decimal point or thousands" in one.said)
        assert (note.option, note.value) == ("decimal", ",")
        assert values[0] == 1.014
        assert read(*columns, decimal=",")[2][0][0] == 1014
    schema = infer_schema(piles([f"{i}.{100 + i}" for i in range(1, N + 1)]), Hints(label=("x",)))
    assert schema.notes[0].option == "decimal"


@pytest.mark.parametrize("cells", [["0.014", "1.345"], ["1.014", "2.5"], ["1.014", "12345"]])
def test_a_point_that_cannot_be_of_thousands_is_of_decimals(cells):
    assert not read(cells * 30)[1]
    commas = [cell.replace(".", ",") for cell in cells]
    if "12345" not in cells:
        assert read(commas * 30)[2][0][0] == float(cells[0])


def test_plain_points_beside_and_a_spread_of_a_thousand():
    beside = [as_pile(pd.DataFrame({"x": ["1.014", "3.012"] * 30, "y": ["2.5", "3.75"] * 30}), "t")]
    assert not infer_schema(beside, Hints()).notes
    thousands = [f"{i}.{100 + i}" for i in range(1, N + 1)]
    _, notes, _ = read(thousands, [one.replace(".", "") for one in thousands])
    assert "spread 1,000 times as far in b.csv as in a.csv" in notes[-1].said
    assert (notes[-1].option, notes[-1].value) == ("decimal", ",")


def test_open_signs_are_settled_by_the_plain_ones_of_each_file():
    frame = pd.DataFrame({"x": ["1.014", "3.012"] * 30, "y": ["2.5", "3.75"] * 30})
    comma = frame.apply(lambda column: column.str.replace(".", ","))
    for tables in ((frame, comma), (comma, frame), (comma, frame, comma)):
        named = [as_pile(one, f"{name}.csv") for one, name in zip(tables, "abc", strict=False)]
        schema, found = read_piles(named, Hints())
        assert all(one.frame["x"].tolist() == [1.014, 3.012] * 30 for one in found)
        (note,) = (one for one in schema.notes if one.about == "x")
        commas = [pile.name for pile, one in zip(named, tables, strict=True) if one is comma]
        assert note.said.endswith(f"as in other columns of {', '.join(commas)}")


@pytest.mark.parametrize(
    ("cells", "values", "said"),
    [
        (["12 kg", "7.5 kg"], [12, 7.5], "'kg'"),
        (["23°C", "-4°C"], [23, -4], "'°C'"),
        (["85 m2", "115 m2"], [85, 115], "'m2'"),
        (["(283.50)", "12.10"], [-283.5, 12.1], "(283.50) is read as negative"),
        (["12-", "7"], [-12, 7], "12- is read as negative"),
        (["($1,234.50)", "-$5"], [-1234.5, -5], "negative"),
    ],
)
def test_units_are_cut_off_and_brackets_are_negative(cells, values, said):
    _, (note,), (found,) = read(cells * 30)
    assert found == values * 30
    assert said in note.said
    assert read(cells * 30, categories=("x",))[0].columns["x"].kind == "category"


@pytest.mark.parametrize("cells", [["12 kg", "7 lb"], ["007B", "013B"], ["B007", "B012"]])
def test_other_units_and_codes_are_categories(cells):
    assert read(cells * 30)[0].columns["x"].kind == "category"


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["13:05", "7:45"], "%H:%M"),
        (["1:02:03", "23:00:00"], "%H:%M:%S"),
        (["1:02:03.5", "0:00:01.25"], "%H:%M:%S.%f"),
        (["1:05 PM", "11:00 AM"], "%I:%M %p"),
        (["Sat Feb 01 10:00:00 UTC 2020"] * 2, "%a %b %d %H:%M:%S %Z %Y"),
    ],
)
def test_times_of_day_are_dates(cells, form):
    found = infer_schema(piles(cells * 3), Hints()).columns["x"]
    assert (found.kind, found.format) == ("date", form)


def test_a_remedy_for_strings_that_are_no_known_numbers_is_to_drop_them():
    for cells in ([f"{i}/{i + 1}" for i in range(N)], [f"{i}'{i}\"" for i in range(30)] * 4,
                  [f"{1 + i % 28}. März {1900 + i}" for i in range(N)]):  # fmt: skip
        _, (note,), _ = read(cells, keep=("x",))
        assert note.option == "drop"
    _, (note,), _ = read([20200101 + i % 28 for i in range(N)])
    assert (note.option, note.value) == ("dates", "x=%Y%m%d")
    schema, _, (found,) = read([20200101 + i % 28 for i in range(N)], dates={"x": "%Y%m%d"})
    assert schema.columns["x"].kind == "date"
    assert found[1] == pd.Timestamp("2020-01-02")


def test_leading_zeros_that_divide_files_are_said():
    codes = [f"{i % 20:03}" for i in range(N)]
    for other in ([str(int(one)) for one in codes], [int(one) for one in codes],
                  [one[1:] for one in codes]):  # fmt: skip
        _, (note,), _ = read(codes, other)
        assert "leading zeros divide what is one category" in note.said
        assert "'000' in a.csv is '0" in note.said
        assert note.option == "numbers"
    _, (note,), _ = read([*codes, "7", "07"], [str(int(one)) for one in codes])
    assert "are categories" in note.said


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["yes", "no"], ["Y", "N"]),
        (["m", "f"], ["male", "female"]),
        (["True", "False"], ["y", "n"]),
    ],
)
def test_categories_that_no_file_shares_are_said(first, second):
    _, (note,), _ = read(first * 30, second * 30)
    assert note.said.startswith(f"no category is in both a.csv ({min(first)!r}, ")
    assert note.option == "drop"
    third = read(first * 30, first * 30, second * 30)[1]
    assert third[0].said.startswith("no category of c.csv")
    assert not read(first * 30, [first[0], second[0]] * 30)[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [(["yes", "no"], ["Y", "N"]), (["True", "False"], ["1", "0"]), (["yes", "no"], ["y", "NO"])],
)
def test_labels_that_may_be_yes_and_no_have_an_option(first, second):
    schema = infer_schema(piles(first * 30, second * 30), Hints(label=("x",)))
    (note,) = schema.notes
    assert (note.option, note.value) == ("label_type", "yes-no")
    _, (a, b) = read_piles(piles(first * 30, second * 30), Hints(label=("x",), label_type="yes-no"))
    assert a.y.tolist() == b.y.tolist()


def test_labels_that_no_file_shares_are_said():
    schema = infer_schema(
        piles(["gut", "schlecht"] * 30, ["good", "bad"] * 30), Hints(label=("x",))
    )
    assert "no class is in both a.csv ('gut', 'schlecht') and b.csv" in schema.notes[0].said
    whole = piles(["1", "2"] * 30, ["1.0", "2.0"] * 30)
    assert not infer_schema(whole, Hints(label=("x",))).notes


def test_true_here_and_one_there_are_read_alike():
    _, notes, (a, b) = read(["True", "False"] * 30, ["1", "0"] * 30)
    assert a == b == [1, 0] * 30
    assert not notes


def test_a_column_that_tells_the_label_is_noted():
    y = np.tile(["paid", "default"], 30)
    for flag in (np.tile([0, 1], 30), np.tile(["p", "d"], 30), np.tile([None, "x"], 30)):
        tables = [as_pile(pd.DataFrame({"flag": flag, "z": range(0, 120, 2), "y": y}), "t")]
        (note,) = infer_schema(tables, Hints(label=("y",))).notes
        assert note.sentence.startswith("flag: tells y in every row")
        assert (note.option, note.value) == ("drop", "flag")
        assert not infer_schema(tables, Hints(label=("y",), drop=("flag",))).notes
    nearly = np.tile([0, 1], 30)
    nearly[-1] = 0
    tables = [as_pile(pd.DataFrame({"flag": nearly, "y": y}), "t")]
    assert not infer_schema(tables, Hints(label=("y",))).notes
    few = [as_pile(pd.DataFrame({"flag": [0, 1] * 4, "y": y[:8]}), "t")]
    assert not infer_schema(few, Hints(label=("y",))).notes
