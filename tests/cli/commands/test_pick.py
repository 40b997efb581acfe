"""``fourfold pick``: its file is filled in by hand, and read as the target."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from fourfold import Hints, read_domains

QUICK = ("--seeds", 1, "--folds", 2, "--steps", 10, "--network", "mlp", "--methods", "FineTune")


def filled(table, column, answers):
    """Fill in the labels of picked rows, as somebody would."""
    rows = pd.read_csv(table, dtype=str)
    rows[column] = answers(rows)
    rows.to_csv(table, index=False)
    return rows


def studied(fourfold, source, target, output, *options):
    """Study with the filled file as the target, and return what the result says of it."""
    said = fourfold("study", "--source", source, "--target", target, "-o", output, *options, *QUICK)
    assert said.code == 0, said
    return json.loads((output / "result.json").read_text())["target"]


def test_rows_of_a_table_keep_their_cells_and_are_read_back(fourfold, data, tmp_path):
    table = tmp_path / "rows.csv"
    domains = ("--source", data / "source.csv", "--target", data / "unlabelled.csv")
    said = fourfold("pick", *domains, "--label", "kind", "-n", 12, "-o", table)
    assert said.out == (
        f"12 rows to label in {table}, by typiclust on features of SourceOnly: fill in kind, and "
        f"give it as --target {table} --label kind\n"
    )
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    assert rows["kind"].tolist() == [""] * 12
    whole = pd.read_csv(data / "unlabelled.csv", dtype=str, keep_default_na=False)
    assert rows.drop(columns="kind").merge(whole.drop_duplicates()).shape == whole[:12].shape
    filled(table, "kind", lambda rows: ["barolo", "barbera", "grignolino"] * (len(rows) // 3))
    source, target = read_domains([data / "source.csv", table], label="kind")
    assert target.counts == {"barbera": 4, "barolo": 4, "grignolino": 4}
    assert target.schema == source.schema


def test_rows_with_labels_follow_and_a_study_votes(fourfold, data, trained, tmp_path):
    output, _ = trained
    table = tmp_path / "rows.csv"
    domains = ("--source", data / "source.csv", "--target", data / "target.csv")
    said = fourfold("pick", *domains, "--label", "kind", "--study", output, "-n", 5, "-o", table)
    assert said.code == 0, said
    assert "before 24 with labels, by disagreement on features of" in said.out
    rows = pd.read_csv(table)
    assert rows["kind"].isna().tolist() == [True] * 5 + [False] * 24
    target = pd.read_csv(data / "target.csv")
    assert rows["kind"][5:].tolist() == target["kind"][:24].tolist()


def test_pictures_are_named_from_where_the_file_lies(fourfold, data, tmp_path):
    table = tmp_path / "sheets" / "rows.csv"
    said = fourfold("pick", "--target", data / "flat-pictures", "-n", 9, "-o", table)
    assert said.code == 0, said
    rows = pd.read_csv(table)
    assert rows.columns.tolist() == ["file_name", "label"]
    assert all((table.parent / name).is_file() for name in rows["file_name"])
    filled(table, "label", lambda rows: [f"digit {i % 3}" for i in range(len(rows))])
    source = data / "source-pictures"
    target = studied(fourfold, source, table, tmp_path / "out", "--label", "label")
    assert target["labels"] == {"digit 0": 3, "digit 1": 3, "digit 2": 3}


def test_files_of_texts_in_folders_keep_the_labels_of_their_folders(fourfold, tmp_path):
    for i in range(12):
        place = tmp_path / "texts" / ("food" if i in {0, 1} else "sport" if i == 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i:02}.txt").write_text(f"{'bread soup' if i % 2 else 'ball goal'} number {i}")
    table = tmp_path / "texts" / "rows.csv"
    said = fourfold("pick", "--target", tmp_path / "texts", "-n", 4, "-o", table)
    assert said.code == 0, said
    rows = pd.read_csv(table)
    assert rows["file_name"][4:].tolist() == ["food/00.txt", "food/01.txt", "sport/02.txt"]
    assert rows["label"][4:].tolist() == ["food", "food", "sport"]
    filled(table, "label", lambda rows: rows["label"].fillna("food"))
    (domain,) = read_domains([table], label="label")
    assert (domain.rows.kind, domain.counts) == ("texts", {"food": 6, "sport": 1})


def test_texts_of_a_table_are_read_back_with_names_and_marks(fourfold, data, tmp_path):
    source, table = data / "source-texts.csv", tmp_path / "rows.csv"
    texts = pd.read_csv(data / "target-texts.csv")[["text"]]
    texts["text"] = '=1+1 "quoted", ' + texts["text"] + "\nline"
    texts.assign(key=[f"t{i}" for i in range(40)]).to_csv(tmp_path / "texts.csv", index=False)
    options = ("--label", "topic", "--id", "key")
    domains = ("--source", source, "--target", tmp_path / "texts.csv")
    said = fourfold("pick", *domains, *options, "-n", 6, "-o", table)
    assert said.code == 0, said
    rows = filled(table, "topic", lambda rows: ["food", "sport"] * (len(rows) // 2))
    hints = Hints(label=("topic",), id="key")
    (domain,) = read_domains([table], hints=hints)
    assert domain.rows.take([0, 1]).tolist() == rows["text"][:2].tolist()
    assert domain.counts == {"food": 3, "sport": 3}
    assert studied(fourfold, source, table, tmp_path / "out", *options)["labelled"] == 6


def test_a_second_round_counts_rows_labelled_in_the_first(fourfold, data, tmp_path):
    target = ("--target", data / "unlabelled.csv", "--label", "kind")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert fourfold("pick", *target, "-n", 8, "-o", first).code == 0
    rows = filled(first, "kind", lambda rows: ["barolo", "barbera"] * (len(rows) // 2))
    said = fourfold("pick", *target, "--labelled", first, "-n", 8, "-o", second)
    assert said.code == 0, said
    assert "before 8 with labels, by disagreement" in said.out
    found = pd.read_csv(second, dtype=str)
    pd.testing.assert_frame_equal(found[8:].reset_index(drop=True), rows)
    assert len(found.drop(columns="kind").drop_duplicates()) == 16


def test_rows_of_arrays_have_numbers(fourfold, data, tmp_path):
    table = tmp_path / "rows.csv"
    assert fourfold("pick", "--target", data / "unlabelled.npz", "-n", 3, "-o", table).code == 0
    rows = pd.read_csv(table)
    assert rows.columns.tolist() == ["row", "label"]
    assert rows["row"].between(1, 78).all()


def test_a_file_that_is_there_is_not_replaced(fourfold, data, tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("labels of somebody")
    target = ("--target", data / "unlabelled.csv")
    fourfold("pick", *target, "-n", 3, "-o", table).refused("must be free", "name another file")
    assert table.read_text() == "labels of somebody"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-n", 51, "-o", "rows.csv"), ["-n must lie in [1, 50]", "without a label; got 51"]),
        (("-n", 3, "-o", "rows.xlsx"), ["--output must be a .csv file"]),
        (("-n", 3, "-o", "rows.csv", "--study", "none"), ["none", "saved model"]),
        (("-n", 3, "-o", "rows.csv", "--strategy", "disagreement"), ["--strategy must be"]),
        (("-n", 3, "-o", "rows.csv", "--source", "unlabelled.csv"), ["must have labels"]),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    fourfold, data, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unlabelled.csv").write_bytes((data / "unlabelled.csv").read_bytes())
    fourfold("pick", "--target", data / "unlabelled.csv", *options).refused(*words)
    assert not (tmp_path / "rows.csv").exists()
