"""Descriptions of classes from files of every form."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import fourfold
from fourfold.errors import DataError, FileError, FourfoldWarning
from fourfold.readers.classes import read_classes
from fourfold.readers.vectors import WordVectors

VECTORS = WordVectors(["horse", "crow", "black", "cow", "7", "zebra"], np.eye(6))
ANIMALS = {"horse": {"hoofs": 1, "size": "large"}, "crow": {"hoofs": 0, "size": "small"}}
SENTENCES = {"horse": "It has hoofs, and it runs.", "crow": "A clever black bird."}


def table(path, content, **options):
    frame = pd.DataFrame(
        [{"class": name, **(of if isinstance(of, dict) else {"text": of})}
         for name, of in content.items()]
    )  # fmt: skip
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(
        path, index=False, **options
    )
    return path


def text(path, content, encoding="utf-8"):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding)
    return path


@pytest.mark.parametrize("name", ["c.csv", "c.tsv", "c.csv.gz", "c.parquet", "c.json"])
def test_attributes_are_read_alike_from_every_form(tmp_path, name):
    if name.endswith("json"):
        file = text(tmp_path / name, ANIMALS)
    else:
        file = table(tmp_path / name, ANIMALS, **({"sep": "\t"} if "tsv" in name else {}))
    read = fourfold.read_classes(file)
    assert read.kind == "attributes"
    assert read.names.tolist() == ["horse", "crow"]
    assert read.frame.to_dict("records") == list(ANIMALS.values())


@pytest.mark.parametrize("name", ["c.csv", "c.parquet", "c.json"])
def test_so_are_sentences(tmp_path, name):
    file = tmp_path / name
    read = read_classes(text(file, SENTENCES) if name == "c.json" else table(file, SENTENCES))
    assert (read.kind, read.texts) == ("texts", list(SENTENCES.values()))


def test_vectors_of_numbers_in_json(tmp_path):
    read = read_classes(text(tmp_path / "c.json", {"a": [1, 2.5], "b": [0, -1]}))
    assert (read.kind, read.matrix.tolist()) == ("vectors", [[1, 2.5], [0, -1]])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.txt", "horse\n\n black crow \n"),
        ("c.json", ["horse", "black crow"]),
        ("c.csv", "name\nhorse\nblack crow\n"),
        ("c.csv", "id,words\nhorse,horse\nblack crow,black crow\n"),
        ("c.json", {"horse": "horse", "black crow": "black_crow"}),
    ],
)
def test_names_are_looked_up(tmp_path, name, content):
    read = read_classes(text(tmp_path / name, content), vectors=VECTORS)
    assert read.kind == "vectors"
    assert read.names.tolist() == ["horse", "black crow"]
    assert read.matrix.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0, 0]]


def test_words_beside_names_are_looked_up_for_them(tmp_path):
    read = read_classes(
        text(tmp_path / "c.csv", "id,words\n7,horse\n3,black crow\n"), vectors=VECTORS
    )
    assert read.names.tolist() == [7, 3]
    assert read.matrix.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["c.csv", "c.txt", "c.json", "c.parquet"])
def test_names_are_typed_as_labels_are(tmp_path, name):
    content = {"c.csv": "n\n7\n3\n", "c.txt": "7\n3", "c.json": ["7", "3"]}.get(name)
    file = tmp_path / name
    if content is None:
        pd.DataFrame({"n": [7, 3]}).to_parquet(file)
    else:
        text(file, content)
    words = WordVectors(["7", "3"], np.eye(2))

    def names(labels):
        return read_classes(file, vectors=words, labels=labels).names.tolist()

    assert names(None) == [7, 3]
    assert names(np.array([7, 3])) == [7, 3]
    assert names(np.array([7.0, np.nan])) == [7, 3]
    assert names(np.array(["7", "3"])) == ["7", "3"]


def test_names_stand_as_they_are_written(tmp_path):
    """Leading zeros, missing-value marks and dates are names, too."""
    written = ["007", "NA", "null", "2020-01-01", "1e3", "true", "a, b"]
    lines = "".join(f'"{name}",{i}\n' for i, name in enumerate(written))
    read = read_classes(text(tmp_path / "c.csv", "name,code\n" + lines))
    assert read.names.tolist() == written
    numbers = text(tmp_path / "d.csv", "name,code\n007,1\n010,2\n")
    assert read_classes(numbers).names.tolist() == ["007", "010"]
    assert read_classes(numbers, labels=np.array([7, 10])).names.tolist() == [7, 10]


@pytest.mark.parametrize("labels", [None, np.array([0])])
@pytest.mark.parametrize("name", ["c.csv", "c.json", "c.parquet"])
def test_large_numbers_keep_every_digit(tmp_path, name, labels):
    """Floats hold 53 bits; names are told apart by the last of 63."""
    large = [2**53 + 1, 2**53, 2**63 - 1, 7]
    file = tmp_path / name
    if name == "c.parquet":
        pd.DataFrame({"n": large, "a": range(4)}).to_parquet(file)
    elif name == "c.json":
        text(file, {str(n): [i] for i, n in enumerate(large)})
    else:
        text(file, "n,a\n" + "".join(f"{n},{i}\n" for i, n in enumerate(large)))
    assert read_classes(file, labels=labels).names.tolist() == large


def test_numbers_of_more_than_64_bits_are_words_or_no_labels(tmp_path):
    for digits in (25, 5000):
        file = text(tmp_path / "c.csv", f"n,a\n{'9' * digits},1\n7,2\n")
        assert read_classes(file).names.tolist() == ["9" * digits, "7"]
        with pytest.raises(DataError, match=r"must be whole numbers, like the labels; got '9{25}"):
            read_classes(file, labels=np.array([7]))


def test_a_sentence_may_be_very_long(tmp_path):
    """Python's csv gives up at 131072 letters."""
    file = tmp_path / "c.csv"
    long = "a long story, " * 20_000
    text(file, f'name,text\nx,"{long}"\ny,a much shorter story\n007,another one still\n')
    assert read_classes(file).names.tolist() == ["x", "y", "007"]
    assert read_classes(file).texts[0] == long


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.csv", "name,a\nx,1\ny,2\nx,3\n", "each class must be named once; got 'x' twice"),
        ("c.txt", "x\nx\n", "each class must be named once; got 'x' twice"),
        ("c.json", '{"x": [1], "x": [2]}', "each class must be named once; got 'x' twice"),
        ("c.csv", "name,a,b\nx,1,2\ny,1\n", "line 3 must have 3 cells, as the header has; got 2"),
        (
            "c.json",
            '{"x": [1, 2], "y": [1]}',
            r"vectors of one width; got shape \(2,\) for 'x' and",
        ),
        ("c.json", '{"x": [1], "y": "a b"}', "classes must all be described by"),
        ("c.json", '{"x": [1],', "the file must be JSON; got: .* line 1"),
        ("c.json", "3", "the file must be {name: description} or a list of names; got int 3"),
        ("c.json", '["a", null]', "names of classes must be words or numbers; got None"),
        ("c.json", '{"a": [1' + "0" * 400 + ", 2]}", r"must fit into 64 bits; got 10+\.\.\.$"),
        ("c.json", '{"a": [' + "9" * 5000 + "]}", "whole numbers must fit into 64 bits; got 9"),
        ("c.json", "[1" + "0" * 400 + "]", "whole numbers must fit into 64 bits; got 1"),
        ("c.json", "[" * 100_000, "a list of names; got lists or objects too deep"),
        ("c.json", '{"a":' * 100_000, "a list of names; got lists or objects too deep"),
        ("c.json", "[]", "must name at least one class; got none"),
        ("c.txt", "\n", "must name at least one class; got none"),
        (
            "c.txt",
            "horse\ncrow\n",
            r"classes must be described by .* word vectors for the names; got only names$",
        ),
        ("c.csv", "name\nx\n", "got only names"),
        ("c.csv", "", "a header and at least one row; got none"),
        ("c.csv", "name,a\nx,\ny,1\n", "a class must have some attribute; got none for x"),
        ("c.xls", "", r"must end in one of \.csv, .*, \.json"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, name, content, said):
    file = text(tmp_path / name, content)
    with pytest.raises(DataError, match=said) as error:
        read_classes(file)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["c.csv", "c.txt", "c.json"])
def test_another_encoding_is_told(tmp_path, name):
    file = text(tmp_path / name, "name,a\nx,1\ncaf\xe9,2\n", "latin-1")
    with pytest.raises(DataError, match=r"must be UTF-8.*0xe9"):
        read_classes(file)


def test_missing_words_are_listed_before_anything_else(tmp_path):
    file = text(tmp_path / "c.txt", "horse\nblack zorse\nokapi\n")
    with pytest.raises(DataError, match=r"c\.txt: .* none for 'black zorse' \(zorse\), 'okapi'$"):
        read_classes(file, vectors=VECTORS)


def test_word_vectors_beside_other_descriptions_are_refused(tmp_path):
    with pytest.raises(DataError, match="names and words to look up; got hoofs, size"):
        read_classes(table(tmp_path / "c.csv", ANIMALS), vectors=VECTORS)
    with pytest.raises(DataError, match="names and words to look up; got legs"):
        read_classes(text(tmp_path / "d.csv", "n,legs\nhorse,4\n"), vectors=VECTORS)
    with pytest.raises(DataError, match="names and words to look up; got descriptions"):
        read_classes(text(tmp_path / "c.json", {"horse": [1]}), vectors=VECTORS)


def test_names_must_be_numbers_where_labels_are(tmp_path):
    file = text(tmp_path / "c.csv", "n,a\n1,0\ntwo,1\n")
    with pytest.raises(DataError, match="must be whole numbers, like the labels; got 'two'"):
        read_classes(file, labels=np.array([1, 2]))
    file = text(tmp_path / "d.csv", "n,a\n1.0,0\n1,1\n")
    with pytest.raises(DataError, match="named once; got 1 twice"):
        read_classes(file, labels=np.array([1, 2]))


def test_equal_descriptions_are_named_in_a_warning(tmp_path):
    with pytest.warns(FourfoldWarning, match="cannot be told apart: a = b"):
        read_classes(text(tmp_path / "c.csv", "n,x\na,1\nb,1\nc,2\n"))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileError, match=r"none\.csv must be a file; there is none"):
        read_classes(tmp_path / "none.csv")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(FileError, match=r"folder\.txt must be readable"):
        read_classes(tmp_path / "folder.txt")


def test_names_may_stand_for_themselves(tmp_path):
    file = text(tmp_path / "c.txt", "horse\nblack crow\n")
    read = read_classes(file, named_alone=True)
    assert read.texts == read.names.tolist() == ["horse", "black crow"]
    short = text(tmp_path / "c.csv", "digit,word\n0,zero\n7,seven\n")
    read = read_classes(short, named_alone=True)
    assert (read.names.tolist(), read.texts) == ([0, 7], ["zero", "seven"])
    assert read_classes(short).kind == "attributes"
    with pytest.raises(DataError, match="got only names"):
        read_classes(file)
