"""Texts from folders, from tables with a column of text, and from lists; errors."""

from __future__ import annotations

import gzip
import json

import datasets
import numpy as np
import pandas as pd
import pytest

from benchmarks.documented import described
from fourfold import Domain
from fourfold.data.differences import input_difference
from fourfold.data.rows import PickedRows, StackedRows, TextRows, as_rows
from fourfold.errors import DataError, FileError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.datasets import from_dataset
from fourfold.readers.media import texts
from fourfold.readers.media.folders import Folder

LINES = ["Fourier transforms of real input.", "A normal distribution.", "Größe, naïve, 数据 🎉"]


@pytest.fixture(scope="module")
def functions():
    """Descriptions of torch's functions: text and topic."""
    return described("torch")


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


# --- in Python ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        LINES,
        tuple(LINES),
        np.array(LINES),
        np.array(LINES, object),
        np.array(LINES, np.dtypes.StringDType()),
        pd.Series(LINES, [5, 6, 7]),
        pd.Series(LINES, dtype=object),
        datasets.Dataset.from_dict({"t": LINES})["t"],
        datasets.Dataset.from_dict({"t": LINES}),
    ],
    ids=lambda given: type(given).__name__,
)
def test_strings_are_texts_whatever_holds_them(given):
    domain = Domain(given, [0, 1, 1])
    assert domain.rows.kind == "texts"
    assert domain.rows.shape == ()
    assert domain.rows.take(np.array([2, 0])).tolist() == [LINES[2], LINES[0]]
    assert (domain.rows.keys == TextRows(LINES).keys).all()


def test_parts_are_keyed_as_the_whole():
    rows = as_rows(LINES)
    index = np.array([2, 0])
    stacked = StackedRows([rows, rows.subset(index)])
    assert stacked.take(np.array([4, 0, 3])).tolist() == [LINES[0], LINES[0], LINES[2]]
    for part in (rows.subset(index), PickedRows(rows, index), stacked.subset(np.array([3, 4]))):
        assert (part.keys == rows.keys[index]).all()
        assert part.kind == "texts"
    assert len(set(rows.keys.tolist())) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["some", ""], r"text 1 \(counted from 0\) must be .* an empty one"),
        (["some", " \n"], "an empty one"),
        (["some", None], r"a missing one \(None\)"),
        (pd.Series(["some", np.nan]), r"a missing one \(nan\)"),
        (pd.Series(["some", pd.NA], dtype="string"), r"a missing one \(<NA>\)"),
        (["some", 3], "got 3: leave it out, and its label"),
        (["some", "\ud800"], "no Unicode"),
        (datasets.Dataset.from_dict({"t": ["some", None]}), "text 1 of column 't'"),
    ],
)
def test_what_is_no_text_is_refused(given, words):
    with pytest.raises(DataError, match=words):
        Domain(given)


def test_a_text_may_say_nan():
    assert as_rows(["nan", "None"]).n == 2


def test_numbers_in_one_dimension_are_still_refused():
    for given in ([1, 2], np.array([1.0]), pd.Series([1, 2]), []):
        with pytest.raises(DataError, match="at least 2-D"):
            as_rows(given)


def test_a_frame_with_text_stays_a_table(functions):
    assert as_rows(functions).kind == "table"
    assert as_rows(functions[["text"]]).kind == "table"


def test_a_datasets_column_of_text(functions):
    dataset = datasets.Dataset.from_pandas(functions)
    domain = from_dataset(dataset, label="topic")
    assert domain.rows.kind == "texts"
    assert domain.rows.column == "text"
    assert sorted(domain.counts) == ["fft", "linalg", "special", "stats"]
    assert from_dataset(dataset).rows.kind == "table"  # with its topic beside it


def test_texts_and_numbers_are_apart():
    both = {"a": Domain(LINES), "b": Domain(np.eye(3))}
    assert input_difference(both) == "texts in 'a' and rows of shape (3,) in 'b'"
    assert not input_difference({"a": Domain(LINES), "b": Domain(LINES[:1])})


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_by_class_with_texts_that_have_no_label_beside(tmp_path):
    write(tmp_path, stats__b=LINES[1], fft__a="\ufeff" + LINES[0] + "\r\nSecond line.\r\n")
    write(tmp_path, fft__deep__c=LINES[2], new="no label")
    (tmp_path / ".hidden.txt").write_text("")
    (tmp_path / "fft" / "notes.md").write_text("")
    domain = read_domain(tmp_path)
    assert domain.rows.texts.tolist() == [
        f"{LINES[0]}\nSecond line.",
        LINES[2],
        "no label",
        LINES[1],
    ]
    assert domain.labelled.tolist() == [True, True, False, True]
    assert domain.known.tolist() == ["fft", "fft", "stats"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("na\u00efve".encode("latin-1"), "must be UTF-8: .* got byte 0xef at position 2"),
        ("utf-16 text".encode("utf-16"), "must be UTF-8: .* got byte 0xff at position 0"),
        (b"", "must have at least one word: fill or remove it; got none"),
        (b"\xef\xbb\xbf \n", "must have at least one word"),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path, content, words):
    write(tmp_path, fft__good=LINES[0], stats__bad=content)
    with pytest.raises(DataError, match=words) as caught:
        read_domain(tmp_path)
    assert str(tmp_path / "stats" / "bad.txt") in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    write(tmp_path, a=LINES[0], b=LINES[1])
    folder = Folder.open(tmp_path)
    (tmp_path / "b.txt").unlink()
    with pytest.raises(FileError, match=r"b\.txt must be a file; there is none"):
        texts.read_files(folder.paths)


def test_texts_beside_pictures_are_passed_over(tmp_path):
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    write(tmp_path, README="what is in the picture")
    assert read_domain(tmp_path).rows.kind == "pictures"


def test_a_folder_and_a_file_of_other_endings_are_refused(tmp_path):
    (tmp_path / "notes.md").write_text("a note")
    with pytest.raises(DataError, match=r"must hold pictures, sounds or texts \(\.txt\)"):
        read_domain(tmp_path)
    write(tmp_path, one="a text")
    with pytest.raises(DataError, match="or be a folder of pictures, sounds or texts"):
        read_domain(tmp_path / "one.txt")


# --- tables ---------------------------------------------------------------------------------------


def tables(folder, frame, name):
    """Write a frame in each kind of file; return the files."""
    lines = "\n".join(json.dumps(row) for row in frame.to_dict("records"))
    frame.to_csv(folder / f"{name}.csv", index=False)
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / f"{name}.jsonl").write_text(lines, "utf-8")
    with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
        file.write(lines)
    return [folder / f"{name}.{ending}" for ending in ("csv", "parquet", "jsonl", "jsonl.gz")]


def test_a_table_whose_only_input_is_text_is_texts(tmp_path, functions):
    for file in tables(tmp_path, functions, "functions"):
        domain = read_domain(file, label="topic")
        assert domain.rows.kind == "texts"
        assert domain.rows.column == "text"
        assert domain.rows.texts.tolist() == functions["text"].tolist()
        assert domain.known.tolist() == functions["topic"].tolist()
        assert read_domain(file).rows.kind == "table"  # with its topic beside it


def test_a_column_of_categories_stays_a_table(tmp_path):
    pd.DataFrame({"town": ["Ulm", "Bonn"] * 9, "y": range(18)}).to_csv(tmp_path / "a.csv")
    pd.DataFrame({"town": [f"T{i}" for i in range(18)]}).to_csv(tmp_path / "b.csv", index=False)
    assert read_domain(tmp_path / "a.csv", label="y").rows.kind == "table"
    assert read_domain(tmp_path / "b.csv").rows.kind == "table"


def test_several_tables_are_texts_together_whatever_the_column_is_called(tmp_path, functions):
    functions.to_csv(tmp_path / "source.csv", index=False)
    few = functions[["text"]].head(1).rename(columns={"text": "note"})  # one cell says nothing
    few.to_csv(tmp_path / "target.csv", index=False)
    source, target = read_domains([tmp_path / "source.csv", tmp_path / "target.csv"], label="topic")
    assert [source.rows.kind, target.rows.kind] == ["texts", "texts"]
    assert target.rows.column == "text"
    assert read_domain(tmp_path / "target.csv").rows.kind == "table"
    like = read_domain(tmp_path / "target.csv", like=source)
    assert like.rows.texts.tolist() == few["note"].tolist()


def test_a_folder_and_a_table_of_texts_go_together(tmp_path, functions):
    write(tmp_path / "notes", fft__a=LINES[0], stats__b=LINES[1])
    functions.to_csv(tmp_path / "table.csv", index=False)
    both = read_domains([tmp_path / "notes", tmp_path / "table.csv"], label="topic")
    assert {domain.rows.kind for domain in both} == {"texts"}


def test_tables_with_more_than_text_stay_tables(tmp_path, functions):
    functions.assign(words=functions["text"].str.split().str.len()).to_csv(
        tmp_path / "more.csv", index=False
    )
    functions.to_csv(tmp_path / "text.csv", index=False)
    more = read_domain(tmp_path / "more.csv", label="topic")
    assert more.rows.kind == "table"
    with pytest.raises(DataError, match=r"text\.csv lacks words"):
        read_domains([tmp_path / "more.csv", tmp_path / "text.csv"], label="topic")
    with pytest.raises(DataError, match="must have the same columns"):
        read_domain(tmp_path / "text.csv", label="topic", like=more)


def test_a_missing_cell_is_named_with_its_file(tmp_path, functions):
    functions["text"].where(functions.index != 7).to_frame().assign(y=1).to_csv(
        tmp_path / "holes.csv", index=False
    )
    with pytest.raises(DataError, match=r"holes\.csv: text 7 of column 'text' \(counted from 0\)"):
        read_domain(tmp_path / "holes.csv", label="y")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1}\n[1, 2]\n', r"line 2 must be an object, \{...\}; got \[1, 2\]"),
        (b'{"a": 1}\n{"a":\n', "line 2 must be JSON; got: Expecting value"),
        (b'{"a": "x"}\n{"a": "\xe9"}\n', "must be UTF-8"),
        (b'{"a": 1}\n{"a": "x"}\n', "one object per line; got: .*changed from number to string"),
        (b'{"a": [1]}\n', "column 'a' holds list"),
        (b"", "must have at least one row; got none"),
    ],
)
def test_a_damaged_file_of_objects_is_named(tmp_path, content, words):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_domain(file)
    assert str(file) in str(caught.value)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"it holds text: take \.gz off"):
        read_domain(packed)
