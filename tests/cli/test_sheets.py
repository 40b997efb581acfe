"""Sheets hold rows as they are written, in the order of their domain, with places for labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image

from fourfold import read_domain
from fourfold.cli.sheets import read_sheet


def test_cells_of_a_table_stay_as_they_are_written(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("code;price;kind\n007;1,50;NA\n010;; cat \n")
    sheet = read_sheet(table, ["kind", "size"], tmp_path)
    assert sheet.columns.tolist() == ["code", "price", "kind", "size"]
    assert sheet[["code", "price", "kind"]].to_numpy().tolist() == [
        ["007", "1,50", "NA"],
        ["010", "", " cat "],
    ]
    assert sheet["size"].isna().all()


def test_typed_cells_are_written_plainly(tmp_path):
    frame = pd.DataFrame({"n": [1.0, 2.5], "day": pd.to_datetime(["2024-01-02", "2024-03-04"])})
    frame.to_parquet(tmp_path / "table.parquet")
    sheet = read_sheet(tmp_path / "table.parquet", ["label"], tmp_path)
    assert sheet["n"].tolist() == ["1", "2.5"]
    assert sheet["day"].str[:10].tolist() == ["2024-01-02", "2024-03-04"]


def test_files_are_named_from_the_folder_of_the_sheet(tmp_path):
    for name in ("b.png", "dog/a.png"):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path)
    sheet = read_sheet(tmp_path / "pets", ["label"], tmp_path / "sheets")
    domain = read_domain(tmp_path / "pets")
    assert sheet["file_name"].tolist() == [f"../pets/{one}" for one in domain.annotations.ids]
    assert domain.y.tolist() == [None, "dog"]
    assert sheet["label"].fillna("").tolist() == ["", "dog"]


def test_columns_beside_listed_files_stay(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in" / name).write_text("words")
    (tmp_path / "in" / "metadata.csv").write_text("path,age\nb.txt,3\na.txt,\n")
    sheet = read_sheet(tmp_path / "in", ["label"], tmp_path)
    assert sheet.columns.tolist() == ["file_name", "age", "label"]
    assert sheet[["file_name", "age"]].to_numpy().tolist() == [["in/b.txt", "3"], ["in/a.txt", ""]]


def test_rows_of_arrays_are_counted_from_one(tmp_path):
    np.save(tmp_path / "rows.npy", np.eye(3))
    assert read_sheet(tmp_path / "rows.npy", ["label"], tmp_path)["row"].tolist() == [1, 2, 3]
