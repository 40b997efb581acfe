"""Tables and lists of files with odd columns: what to type stands in the note or the refusal."""

from __future__ import annotations

import json
import re
import shlex
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fourfold.data.schema.joined import dated, divided
from fourfold.errors import FourfoldWarning

N = 60


def write(path, columns, sep=","):
    """Write a table of texts; names with a comma are quoted."""
    names = [f'"{name}"' if "," in name else name for name in columns]
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([sep.join(names), *(sep.join(map(str, row)) for row in rows)]) + "\n")
    return path


def columns(**more):
    g = np.random.default_rng(0)
    return {"x": g.integers(0, 9, N), "kind": g.choice(["a", "b"], N), **more}


def of(source, target):
    return ("--source", source, "--target", target)


def lines_of(said):
    assert said.code == 0, said
    return " ".join(said.out.split())


@pytest.fixture
def zips(tmp_path):
    g = np.random.default_rng(1)
    odd = {"ZIP, code": [f"{n:04}" for n in g.integers(1, 99, N)], "a, b": g.integers(0, 9, N)}
    return [write(tmp_path / f"{name}.csv", columns(**odd)) for name in "ab"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b", ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("c, d", ["c, d"]),
        ("a,c, d,b", ["a", "c, d", "b"]),
        ("", [""]),
        ("a,", ["a"]),
        ("a,nobody", ["a", "nobody"]),
    ],
)
def test_names_are_divided_at_commas_that_are_not_theirs(text, found):
    assert divided(text, {"a", "b", "c, d"}) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", {"a": ""}),
        ("a,b", {"a": "", "b": ""}),
        ("a=%d/%m/%Y,b", {"a": "%d/%m/%Y", "b": ""}),
        ("a=%b %d, %Y,b=%Y", {"a": "%b %d, %Y", "b": "%Y"}),
        ("c, d=%Y,a", {"c, d": "%Y", "a": ""}),
        ("nobody=%Y", {"nobody": "%Y"}),
    ],
)
def test_dates_are_divided_but_not_in_their_format(text, found):
    assert dated(text, {"a", "b", "c, d"}) == found


@pytest.mark.parametrize("option", ["--numbers", "--categories", "--text", "--drop", "--keep"])
def test_a_name_with_a_comma_is_taken_whole(fourfold, zips, option):
    for text in ("ZIP, code", "x,ZIP, code"):
        said = fourfold("map", *of(*zips), "--label", "kind", option, text)
        assert said.code == 0, said
    fourfold("map", *of(*zips), "--label", "kind", option, "ZIP").refused(
        "have 'ZIP, code', 'a, b'"
    )


def test_labels_and_dates_take_commas_too(fourfold, tmp_path):
    days = {f"d{at}": [f"{1 + n % 28:02}/{1 + n % 12:02}/2021" for n in range(N)] for at in (1, 2)}
    answers = {"q1": np.arange(N) % 2, "q2": np.arange(N) % 3 % 2}
    files = [write(tmp_path / f"{name}.csv", columns(**days, **answers)) for name in "ab"]
    said = fourfold("map", *of(*files), "--label", "q1,q2", "--dates", "d1=%m/%d/%Y,d2")
    assert "label q1, q2 2 answers" in lines_of(said)
    assert "d1 (mm/dd/yyyy), d2 (dd/mm/yyyy)" in lines_of(said)


def remedies(out):
    return re.findall(r"else (--.*)", out)


def test_printed_remedies_work_as_they_stand_at_any_width(fourfold, zips, monkeypatch):
    for width in ("40", "80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        said = fourfold("map", *of(*zips), "--label", "kind")
        (remedy,) = remedies(said.out)
        assert remedy == "--numbers 'ZIP, code'"
        done = fourfold("map", *of(*zips), "--label", "kind", *shlex.split(remedy))
        assert "numbers (3)" in lines_of(done)


@pytest.mark.parametrize("name", ["label", "y", "Target", "class", "outcome", "y_true"])
def test_a_forgotten_label_is_noted(fourfold, tmp_path, name):
    cells = {"x": np.arange(N) % 7, "b": np.arange(N) % 5, name: np.arange(N) % 2}
    files = [write(tmp_path / f"{part}.csv", cells) for part in "ab"]
    assert f"! {name}: not used as a label else --label {name}" in lines_of(
        fourfold("map", *of(*files))
    )
    assert "not used as a label" not in lines_of(fourfold("map", *of(*files), "--label", name))


@pytest.mark.parametrize(
    ("beside", "noted"),
    [({"label": "ab"}, ["label"]), ({"sort": "ab"}, ["sort"]), ({"age": "12", "y": "ab"}, ["y"])],
)
def test_a_label_in_a_list_of_files_is_noted(fourfold, tmp_path, beside, noted):
    for part in "ab":
        (tmp_path / part).mkdir()
        for at in range(6):
            grey = np.full((8, 8), 20 * at + ord(part) % 2, "u1")
            Image.fromarray(grey).save(tmp_path / part / f"{at}.png")
        cells = {name: [values[at % 2] for at in range(6)] for name, values in beside.items()}
        write(tmp_path / part / "metadata.csv",
              {"file_name": [f"{at}.png" for at in range(6)], **cells})  # fmt: skip
    said = fourfold("map", *of(tmp_path / "a", tmp_path / "b"))
    assert remedies(said.out) == [f"--label {name}" for name in noted]
    assert "as asked" not in said.out
    assert "(beside the files)" in said.out
    said = fourfold("map", *of(tmp_path / "a", tmp_path / "b"), "--label", noted[0])
    assert "6 labelled in 2 classes" in said.out


@pytest.mark.parametrize(
    ("more", "label", "says"),
    [
        ({"y": 1}, (), "say --label y if it is the label, else --drop y"),
        ({"y": 1, "b c": 2}, (), "say --label y and --drop 'b c' if it is the label, else --drop"),
        ({"b, c": 1}, ("--label", "kind"), "--drop 'b, c' leaves it out"),
        ({"X": 1}, ("--label", "kind"), "b.csv lacks X"),
        ({"a": 1, "b": 1, "c": 1, "d": 1}, (), "leave out what only one has (--drop)"),
    ],
)
def test_tables_of_different_columns_are_told_the_way_out(fourfold, tmp_path, more, label, says):
    first = write(tmp_path / "a.csv", columns(**{name: np.arange(N) for name in more}))
    other = write(tmp_path / "b.csv", columns())
    fourfold("map", *of(first, other), *label).refused("b.csv lacks", says)


def test_names_that_differ_in_case_or_spaces_and_renamed_labels_are_named(fourfold, tmp_path):
    first = write(tmp_path / "a.csv", {"Age": range(N), "b": range(N), "kind": range(N)})
    other = write(tmp_path / "b.csv", {"age ": range(N), "b": range(N), "kind": range(N)})
    fourfold("map", *of(first, other)).refused("only in case or spaces, 'Age' beside 'age '")
    other = write(tmp_path / "c.csv", {"Age": range(N), "b": range(N), "result": range(N)})
    fourfold("map", *of(first, other), "--label", "kind").refused("name it 'kind' if it is the")


def nested(folder, ending):
    """Write two files with a column of objects and one of lists."""
    rows = [{"user": {"age": n}, "tags": ["a"], "score": n / 7, "ok": n % 2 == 0} for n in range(N)]
    files = [folder / f"{name}.{ending}" for name in "ab"]
    for file in files:
        if ending == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), file)
        else:
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return files


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_dropped_columns_are_not_read(fourfold, tmp_path, ending):
    files = nested(tmp_path, ending)
    said = fourfold("map", *of(*files), "--label", "ok")
    said.refused("columns 'user', 'tags' hold", "leave out, --drop user,tags")
    said = fourfold("map", *of(*files), "--label", "ok", "--drop", "user,tags")
    assert "left out user (as asked), tags (as asked)" in lines_of(said)
    fourfold("map", *of(*files), "--label", "ok", "--drop", "tags").refused("column 'user' holds")


def test_a_model_does_not_mind_columns_that_it_does_not_use(fourfold, tmp_path):
    files = nested(tmp_path, "jsonl")
    out = tmp_path / "out"
    short = ("--seeds", 1, "--folds", 2, "--steps", 5, "--methods", "FineTune")
    dropped = ("--label", "ok", "--drop", "user,tags")
    assert fourfold("study", *of(*files), *dropped, "-o", out, *short).code in {0, 3}
    said = fourfold("predict", out / "best", files[1], "-o", tmp_path / "p.csv")
    assert said.code == 0, said


def test_each_option_of_the_documented_table_works_as_typed(fourfold, tmp_path):
    g = np.random.default_rng(0)
    days = [f"{1 + n % 12:02}/{1 + n % 9:02}/2021" for n in range(N)]
    numbers = {name: g.integers(1, 9, N) for name in ("A", "B", "who", "w")}
    rows = {**numbers, "NAME": days, "row": [f"r{n}" for n in range(N)]}
    files = [write(tmp_path / f"{name}.csv", columns(**rows)) for name in "ab"]
    for option in (
        "--label kind --label-type classes",
        "--label A,B --label-type numbers",
        "--label kind --missing-label ''",
        "--label kind --numbers A,B",
        "--label kind --categories A,B",
        "--label kind --text A,B",
        "--label kind --dates NAME",
        "--label kind --dates NAME=%d/%m/%Y",
        "--label kind --drop A,B",
        "--label kind --keep A,B",
        "--label kind --missing 3",
        "--label kind --decimal ,",
        "--label kind --group who --time NAME --weight w --id row",
    ):
        said = fourfold("map", *of(*files), *shlex.split(option))
        assert said.code == 0, (option, said)
        assert "kind" not in option or "2 classes, a, b" in said.out, option


def test_numbers_of_rows_agree_and_one_is_singular(fourfold, tmp_path, trained):
    output, _ = trained
    rows = tmp_path / "rows.csv"
    rows.write_text("alcohol,colour,proline,size,day\n1,x,900,small,2024-01-09\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always", FourfoldWarning)
        said = fourfold("predict", output / "best", rows, "-o", tmp_path / "p.csv")
    assert said.code == 0, said
    assert "'x' (row 1)" in said.err
    assert said.out.startswith("1 prediction in")
    assert (tmp_path / "p.csv").read_text().splitlines()[1].startswith("1,")


def test_folders_of_one_name_are_told_apart_by_those_around_them(fourfold, tmp_path):
    for part in ("old", "new"):
        for name in ("cat", "dog"):
            place = tmp_path / part / "train" / name
            place.mkdir(parents=True)
            for at in range(3):
                (place / f"{at}.txt").write_text(f"{part} words of a {name}, number {at}")
    said = fourfold("map", *of(tmp_path / "old" / "train", tmp_path / "new" / "train"))
    assert "source  old/train: 6 texts" in said.out
    assert "target  new/train: 6 texts" in said.out


def test_data_that_a_study_refuses_end_with_its_code(fourfold, tmp_path):
    one = write(tmp_path / "one.csv", {"x": [1], "kind": ["a"]})
    said = fourfold("map", *of(one, write(tmp_path / "b.csv", columns())), "--label", "kind")
    assert said.code == 2
    assert "one: 1 row of 1 column, 1 labelled in 1 class" in said.out
    assert "labels of 'one' must be of at least two classes" in said.out
