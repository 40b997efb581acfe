"""Tables that list files with labels."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from fourfold.data.schema.cells import as_cells
from fourfold.errors import DataError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.media.listed import read_listed


def pictures(folder, names):
    for at, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), at + 1).save(path)


@pytest.fixture
def pets(tmp_path):
    names = ["images/b.png", "images/a.png", "c.png"]
    pictures(tmp_path / "pets", names)
    frame = pd.DataFrame({"file_name": names, "label": ["cat", "dog", None], "age": [1.5, 2, 3]})
    return tmp_path / "pets", frame


def values(domain):
    return domain.rows.take(np.arange(domain.n_rows))[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("form", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_a_list_in_the_folder_gives_order_names_and_labels(pets, form):
    folder, frame = pets
    if form.endswith("csv"):
        frame.to_csv(folder / form, index=False)
    elif form.endswith("jsonl"):
        frame.to_json(folder / form, orient="records", lines=True)
    else:
        frame.to_parquet(folder / form)
    for path in (folder, folder / form):
        domain = read_domain(path, label="label")
        assert domain.rows.kind == "pictures"
        assert values(domain) == [1, 2, 3]
        assert domain.known.tolist() == ["cat", "dog"]
        assert domain.annotations.ids.tolist() == frame["file_name"].tolist()


def test_labels_of_any_kind(pets):
    folder, frame = pets
    frame.to_csv(folder / "any.csv", index=False)
    assert read_domain(folder / "any.csv", label="age").known.tolist() == [1.5, 2, 3]
    assert read_domain(folder / "any.csv").y is None


def test_a_table_beside_its_files_and_piles_of_both_kinds(pets):
    folder, frame = pets
    frame = frame.rename(columns={"file_name": "Path"})
    frame["Path"] = "pets/" + frame["Path"]
    frame.to_csv(folder.parent / "list.tsv", sep="\t", index=False)
    listed, plain = read_domains([folder.parent / "list.tsv", folder / "images"], label="label")
    assert listed.rows.shape == plain.rows.shape
    assert values(listed) == [1, 2, 3]
    assert values(plain) == [2, 1]


def test_sounds_and_texts_are_listed_too(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-1, 1, 4000), 8000)
    (tmp_path / "b.txt").write_text("two words")
    for name, kind in (("a.wav", "sounds"), ("b.txt", "texts")):
        pd.DataFrame({"file": [name], "y": [1]}).to_csv(tmp_path / "list.csv", index=False)
        domain = read_domain(tmp_path / "list.csv", label="y")
        assert (domain.rows.kind, domain.known.tolist()) == (kind, [1])


def test_missing_files_are_named_up_to_ten(pets):
    folder, frame = pets
    rest = pd.DataFrame({"file_name": [f"{i:02}.png" for i in range(12)], "label": "x"})
    pd.concat([frame, rest]).to_csv(folder / "list.csv", index=False)
    with pytest.raises(DataError) as caught:
        read_domain(folder / "list.csv", label="label")
    said = str(caught.value)
    assert "12 listed files in " in said
    assert "00.png, 01.png, " in said
    assert "09.png and 2 more" in said
    assert len(said) < 300


def test_a_name_in_a_table_of_features_is_no_list(tmp_path):
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "x": [1, 2], "z": [2, 1], "y": [0, 1]})
    frame.to_csv(tmp_path / "features.csv", index=False)
    assert read_domain(tmp_path / "features.csv", label="y").rows.kind == "table"
    frame[["image", "y"]].to_csv(tmp_path / "names.csv", index=False)
    with pytest.raises(DataError, match=r"2 listed files .* names a\.png, b\.png"):
        read_domain(tmp_path / "names.csv", label="y")


def test_each_row_must_name_a_file(pets):
    folder, frame = pets
    frame.loc[1, "file_name"] = None
    frame.to_csv(folder / "list.csv", index=False)
    with pytest.raises(DataError, match="must name a file in each row; row 2 has none"):
        read_domain(folder / "list.csv", label="label")


@pytest.mark.parametrize(
    "columns",
    [
        {"path": ["north", "south"], "y": [1, 2]},
        {"path": [1, 2]},
        {"path": [None, None]},
        {"note": ["a.png"]},
    ],
)
def test_other_columns_and_other_tables(tmp_path, columns):
    cells = {name: as_cells(pd.Series(column)) for name, column in columns.items()}
    assert read_listed(tmp_path / "a.csv", cells) is None


def test_a_list_without_files_beside_classes_by_folder(pets):
    folder, _ = pets
    (folder / "metadata.jsonl").write_text(json.dumps({"made": "by hand"}) + "\n")
    assert read_domain(folder).known.tolist() == ["images", "images"]


def test_digits_in_a_list_are_names_beside_folders_of_these_names(tmp_path):
    pictures(tmp_path / "old", ["3/a.png", "7/b.png"])
    pictures(tmp_path / "new", ["c.png", "d.png", "e.png"])
    lines = ["file_name,label", "new/c.png,3", "new/d.png,7", "new/e.png,"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    old, new = read_domains([tmp_path / "old", tmp_path / "rows.csv"], label="label")
    assert old.counts == new.counts == {"3": 1, "7": 1}
    assert read_domain(tmp_path / "rows.csv", label="label").counts == {3: 1, 7: 1}


def test_names_of_other_files_in_a_list_are_named(pets):
    folder, frame = pets
    frame.assign(file_name=["images/b.png", "notes.doc", "c.png"]).to_csv(folder / "odd.csv")
    with pytest.raises(
        DataError, match=r"name pictures, sounds or texts; got also 'notes\.doc' in"
    ):
        read_domain(folder / "odd.csv")
    frame.assign(file_name=["z/b.png", "notes.doc", "z.png"], n=7).to_csv(folder / "other.csv")
    assert read_domain(folder / "other.csv").rows.kind == "table"  # none of them is there
