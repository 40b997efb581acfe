"""How data are read is printed, said by options or a file, and kept with the model."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from fourfold import Hints, bundle, load
from fourfold.errors import FourfoldWarning
from fourfold.methods.baselines.linear import Linear
from fourfold.readers import read_domains

N = 120


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    """Two banks with codes, decimal commas, percents, dates, marks, an index and a few labels."""
    folder = tmp_path_factory.mktemp("banks")
    random = np.random.default_rng(0)
    for name in ("old", "new"):
        code = random.choice(["007", "010", "1", "3.10", "true"], N)
        rate = random.uniform(0, 30, N)
        good = (code == "007") | (rate > 25)
        frame = pd.DataFrame(
            {
                "": range(N),
                "code": code,
                "rate": [f"{value:.1f}%".replace(".", ",") for value in rate],
                "since": [f"{1 + at % 28:02}/{1 + at % 12:02}/2021" for at in range(N)],
                "grade": np.where(good, "good", "bad"),
            }
        )
        frame.loc[3, "rate"] = "?"
        frame.to_csv(folder / f"{name}.csv", index=False, sep=";")
    return folder


def domains(banks):
    return ("--source", banks / "old.csv", "--target", banks / "new.csv", "--label", "grade")


def test_the_map_says_what_was_understood_and_what_to_type(fourfold, banks):
    said = fourfold("map", *domains(banks))
    assert said.code == 0, said
    lines = " ".join(said.out.split())
    assert "label grade 2 classes, bad, good" in lines
    assert "numbers (1) rate (decimal comma, %)" in lines
    assert "categories (1) code" in lines
    assert "dates (1) since (dd/mm/yyyy)" in lines
    assert "left out (unnamed) (running index)" in lines
    assert (
        "! rate: 2 of 240 cells are no numbers and count as missing: '?' (old.csv line 5)" in lines
    )
    assert "else --keep ''" in lines


def test_a_schema_is_written_edited_and_read(fourfold, banks, tmp_path):
    file = tmp_path / "schema.json"
    assert fourfold("map", *domains(banks), "--write-schema", file).code == 0
    schema = json.loads(file.read_text("utf-8"))
    assert schema["columns"]["since"] == {"kind": "date", "format": "%d/%m/%Y"}
    schema["columns"]["since"] = {"kind": "category"}
    file.write_text(json.dumps(schema), "utf-8")
    said = fourfold("map", *domains(banks), "--schema", file)
    assert "categories (2)" in said.out
    assert "dates" not in said.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--categories", "rate"], "categories (2)"),
        (["--drop", "code,since"], "left out"),
        (["--dates", "since=%m/%d/%Y"], "since (mm/dd/yyyy)"),
        (["--text", "code"], "texts (1)"),
        (["--group", "code"], "group"),
        (["--time", "since"], "time"),
        (["--id", "code"], "id"),
        (["--missing", "3.10"], "categories (1)"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_point_has_an_option(fourfold, banks, options, words):
    said = fourfold("map", *domains(banks), *options)
    assert said.code == 0, said
    assert words in said.out


def test_options_that_do_not_fit_are_one_sentence(fourfold, banks, tmp_path):
    fourfold("map", *domains(banks), "--numbers", "age").refused("must have the column 'age'")
    fourfold("map", *domains(banks), "--label-type", "colours").refused(
        "--label-type must be one of"
    )
    fourfold("map", *domains(banks), "--decimal", "x").refused("--decimal must be")
    fourfold("map", *domains(banks), "--schema", tmp_path / "none.json").refused("file of a schema")
    fourfold("map", *domains(banks), "--text", "code", "--drop", "code").refused("given once")


def test_the_cap_of_categories_is_an_option(fourfold, tmp_path):
    shop = np.arange(80) % 20
    table = pd.DataFrame({"shop": [f"s{one:02}" for one in shop], "y": shop % 2})
    table.to_csv(tmp_path / "a.csv", index=False)
    table[::-1].to_csv(tmp_path / "b.csv", index=False)
    np.savez(tmp_path / "c.npz", X=np.eye(8), y=np.arange(8) % 2)
    options = ("-o", tmp_path / "out", "--max-categories", 9, "--methods", "Rehearsal")
    few = (*options, "--seeds", 1, "--folds", 2, "--steps", 1)
    data = ("--source", tmp_path / "a.csv", "--target", tmp_path / "b.csv", "--label", "y")
    run = fourfold("study", *data, *few)
    assert "the 8 most frequent have a feature each" in " ".join(run.out.split()), run
    arrays = ("--source", tmp_path / "c.npz", "--target", tmp_path / "c.npz")
    fourfold("study", *arrays, *few).refused("--max-categories must stand beside tables")


@pytest.fixture(scope="module")
def model(banks):
    """A linear model of the target, saved."""
    _, target = read_domains([banks / "old.csv", banks / "new.csv"], label="grade")
    bundle.save(Linear().fit(target), banks / "model")
    return banks / "model"


def test_one_row_alone_gets_the_answer_that_it_gets_among_others(fourfold, banks, model):
    written = (banks / "new.csv").read_text("utf-8").splitlines()
    whole, _ = predict(fourfold, model, banks / "new.csv")
    for at in (0, 1, 2, 5, 8):
        (banks / "one.csv").write_text("\n".join([written[0], written[1 + at]]), "utf-8")
        alone, _ = predict(fourfold, model, banks / "one.csv")
        pd.testing.assert_series_equal(
            alone["p_good"], whole["p_good"][at : at + 1].reset_index(drop=True)
        )
    frame = pd.read_csv(banks / "new.csv", sep=";", dtype=str).drop(index=3)
    assert (whole["prediction"].drop(index=3) == load(model).predict(frame)).all()


def test_rows_are_named_by_the_column_of_the_schema(fourfold, banks):
    files = [banks / "old.csv", banks / "new.csv"]
    _, target = read_domains(files, label="grade", hints=Hints(id="since"))
    assert target.schema.inputs == ["code", "rate"]
    bundle.save(Linear().fit(target), banks / "named")
    found, _ = predict(fourfold, banks / "named", banks / "new.csv")
    assert found["id"][:2].tolist() == ["01/01/2021", "02/02/2021"]


def test_a_cell_that_does_not_fit_is_named(fourfold, banks, model):
    (banks / "odd.csv").write_text(
        "code;rate;since\n007;12,5%;03/02/2021\n1;high;03/02/2021\n", "utf-8"
    )
    said = predict(fourfold, model, banks / "odd.csv")[1].err
    assert "column rate: 1 of 2 cells are no numbers and count as missing: 'high' (row 2)" in said


def test_a_category_that_was_never_seen_is_named_once(fourfold, banks, model):
    (banks / "new_code.csv").write_text(
        "code;rate;since\n007;12,5%;03/02/2021\n8;1,5%;03/02/2021\n9;1,5%;03/02/2021\n", "utf-8"
    )
    said = predict(fourfold, model, banks / "new_code.csv")[1].err
    assert said.count("column code: 2 of 3 cells are categories that were never seen: '8'") == 1


def test_each_remedy_for_odd_files_works_as_it_is_printed(fourfold, tmp_path):
    rows = [(1 + 5 * i % 28, 1 + i % 12, i) for i in range(60)]
    tails = [(i % 7, f"{i + 1}.{100 + i}", i % 2) for i in range(60)]
    first = [
        f"{d:02}/{m:02}/2020;{i},5;{shop:03};{price};{('yes', 'no')[y]};"
        for (d, m, i), (shop, price, y) in zip(rows, tails, strict=True)
    ]
    second = [
        f"{m:02}/{d:02}/2020,{i}.5,{shop},{price},{'YN'[y]}"
        for (d, m, i), (shop, price, y) in zip(rows, tails, strict=True)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["day;rate;shop;price;y;", *first]), "utf-8")
    (tmp_path / "b.csv").write_text("\n".join(["day,rate,shop,price,y", *second]), "utf-8")
    data = ("--source", tmp_path / "a.csv", "--target", tmp_path / "b.csv", "--label", "y")
    said = " ".join(fourfold("map", *data).out.split())
    assert "! y: no class is in both a.csv ('no', 'yes') and b.csv ('N', 'Y')" in said
    assert "! day: dd/mm/yyyy in a.csv; mm/dd/yyyy in b.csv: each file is read in its own" in said
    assert "! rate: decimal comma in a.csv; decimal point in b.csv" in said
    for typed, shown in (
        (("--label-type", "yes-no"), "2 classes, 0, 1"),
        (("--categories", "day"), "categories (2) day, shop"),
        (("--categories", "rate"), "categories (2) rate, shop"),
        (("--numbers", "shop"), "numbers (3) rate, shop, price"),
    ):
        assert f"else {' '.join(typed)}" in said
        assert shown in " ".join(fourfold("map", *data, *typed).out.split())
    assert "! price: numbers with a decimal comma, as in other columns of a.csv" in said
    again = fourfold("map", *data, "--write-schema", tmp_path / "schema.json")
    assert again.code == 0
    by_schema = fourfold("map", *data, "--schema", tmp_path / "schema.json")
    assert "are no dates" not in by_schema.out
    assert "are no numbers" not in by_schema.out


def test_thousands_that_may_be_decimals_have_an_option(fourfold, tmp_path):
    rows = [f"{i}.{100 + i};{i}.{200 + i} €" for i in range(1, 61)]
    (tmp_path / "a.csv").write_text("\n".join(["sales;price", *rows]), "utf-8")
    data = ("--source", tmp_path / "a.csv", "--target", tmp_path / "a.csv", "--label", "price")
    said = " ".join(fourfold("map", *data).out.split())
    assert said.count("else --decimal ,") == 2
    said = " ".join(fourfold("map", *data, "--decimal", ",").out.split())
    assert "sales (decimal comma, thousands '.')" in said
    assert "numbers from 1201 to 60260" in said


def test_labels_that_are_no_numbers_have_an_option(fourfold, tmp_path):
    table = pd.DataFrame({"x": range(0, 120, 2), "y": [*np.arange(59) + 0.5, "on demand"]})
    table.to_csv(tmp_path / "a.csv", index=False)
    data = ("--source", tmp_path / "a.csv", "--target", tmp_path / "a.csv", "--label", "y")
    fourfold("map", *data).refused("missing ones by --missing-label")
    assert fourfold("map", *data, "--missing-label", "on demand").code == 0


def predict(fourfold, model, data):
    """Predict the rows of a file; warnings are said, as for users."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", FourfoldWarning)
        said = fourfold("predict", model, data, "-o", data.with_suffix(".out.csv"))
    assert said.code == 0, said
    return pd.read_csv(data.with_suffix(".out.csv")), said
