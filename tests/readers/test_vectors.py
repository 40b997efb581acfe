"""Word vectors from files: reading, lookup, missing words and errors."""

from __future__ import annotations

import gzip
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

from fourfold import Store
from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError, FileError, FourfoldWarning, ParameterError
from fourfold.frozen.store import using
from fourfold.readers.vectors import WordVectors

WORDS = ["the", "fire", "engine", "ice_cream", "New York", "jack-o-lantern", "dalmatian", "ulm"]
NUMBERS = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
LINES = [f"{w} {' '.join(map(repr, v))}" for w, v in zip(WORDS, NUMBERS.tolist(), strict=True)]


@pytest.fixture
def vectors():
    return WordVectors(WORDS, NUMBERS)


def write(path, text, encoding="utf-8"):
    content = text if isinstance(text, bytes) else text.encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def lines_of(n, width=3):
    return "".join(f"word{i} {' '.join(['0.5'] * width)}\n" for i in range(n))


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_every_form_of_text_reads_the_same(tmp_path, name, header, end):
    first = f"{len(LINES)} 3{end}" if header else ""
    text = first + "".join(line + end for line in LINES)
    read = WordVectors.open(write(tmp_path / name, text))
    assert sorted(read.words) == sorted(WORDS)
    assert (len(read), read.width) == (8, 3)
    for word, vector in zip(WORDS, NUMBERS, strict=True):
        np.testing.assert_array_equal(read[word], vector)


def test_tabs_and_a_byte_order_mark(tmp_path):
    text = "\ufeff" + "\n".join(line.replace(" ", "\t") for line in LINES[:3])
    read = WordVectors.open(write(tmp_path / "v.txt", text))
    assert read.words == ["the", "fire", "engine"]


def test_quotes_numbers_and_nothings_are_words(tmp_path):
    words = ['"', "'", "nan", "null", "NA", "", ",", "#", "3", "ß", "词", "\u2028", "\x85", "'s"]
    words.remove("")
    text = "".join(f"{word} {i} -1e-3\n" for i, word in enumerate(words))
    read = WordVectors.open(write(tmp_path / "v.txt", text))
    assert read.words == words
    assert read["\x85"].tolist() == [words.index("\x85"), np.float32(-1e-3)]
    stored = WordVectors.open(tmp_path / "v.txt", store=Store(tmp_path / "store"))
    assert stored.words == words


def test_a_header_of_numbers_is_told_from_a_word_that_is_a_number(tmp_path):
    assert WordVectors.open(write(tmp_path / "v.txt", "7 1 2\n8 3 4\n")).words == ["7", "8"]
    read = WordVectors.open(write(tmp_path / "w.txt", "2 2\n7 1 2\n8 3 4\n"))
    assert read.words == ["7", "8"]


def test_numbers_are_what_python_makes_of_them(tmp_path):
    random = np.random.default_rng(1)
    numbers = (random.standard_normal((500, 7)) * 10.0 ** random.integers(-6, 6, (500, 7))).tolist()
    text = "".join(f"w{i} {' '.join(f'{x:.7g}' for x in row)}\n" for i, row in enumerate(numbers))
    read = WordVectors.open(write(tmp_path / "v.txt", text))
    expected = np.array([line.split()[1:] for line in text.splitlines()]).astype(np.float64)
    np.testing.assert_array_equal(read.vectors(read.words), expected.astype(np.float32))


@pytest.mark.parametrize("words", ["txt", "parquet", "csv", "beside"])
def test_an_array_stays_on_disk_and_its_words_are_beside_it(tmp_path, words):
    np.save(tmp_path / "v.npy", NUMBERS)
    frame = pd.DataFrame({"word": WORDS, "count": range(8)})
    options = {"words": tmp_path / f"names.{words}"}
    if words == "txt":
        write(options["words"], "\n".join(WORDS))
    elif words == "parquet":
        frame[["word"]].to_parquet(options["words"])
    elif words == "csv":
        frame.to_csv(options["words"], index=False)
        options["column"] = "word"
    else:
        write(tmp_path / "v.txt", "\n".join(WORDS) + "\n")
        options = {}
    read = WordVectors.open(tmp_path / "v.npy", **options)
    assert read.words == WORDS
    np.testing.assert_array_equal(read.vectors(WORDS), NUMBERS)
    assert is_mapped(read._vectors)


def test_arrays_of_other_floats_are_looked_up_in_32_bits(tmp_path):
    np.save(tmp_path / "v.npy", NUMBERS.astype(np.float16))
    write(tmp_path / "v.txt", "\n".join(WORDS))
    found = WordVectors.open(tmp_path / "v.npy").vectors(["fire"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, NUMBERS[1:2], rtol=1e-3)


def test_text_is_read_once_into_a_store_and_mapped_from_then_on(tmp_path, monkeypatch):
    store, file = Store(tmp_path / "store"), write(tmp_path / "v.txt", "\n".join(LINES))
    first = WordVectors.open(file, store=store)
    assert is_mapped(first._vectors)
    monkeypatch.setattr("fourfold.readers.vectors.text.read_blocks", None)  # nobody may read again
    moved = file.rename(tmp_path / "other.txt")
    with using(store):
        again = WordVectors.open(moved)
    assert again.words == first.words
    np.testing.assert_array_equal(again.vectors(again.words), first.vectors(first.words))
    with pytest.raises(DataError, match="NoneType"):
        WordVectors.open(write(tmp_path / "w.txt", "\n".join(LINES[1:])), store=store)


def test_a_broken_file_leaves_nothing_in_the_store(tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(DataError):
        WordVectors.open(write(tmp_path / "v.txt", lines_of(5) + "bad 1\n"), store=store)
    assert store.entries() == []


def test_mapped_vectors_reach_another_process(tmp_path):
    store, file = Store(tmp_path / "store"), write(tmp_path / "v.txt", "\n".join(LINES))
    mapped = WordVectors.open(file, store=store)
    sent = pickle.loads(pickle.dumps(mapped))  # noqa: S301
    np.testing.assert_array_equal(sent.vectors(WORDS), mapped.vectors(WORDS))


def test_words_with_blanks_in_text(tmp_path):
    text = ". 1 2\nNew York 3 4\n. . . 5 6\nend 7 8\n"
    read = WordVectors.open(write(tmp_path / "v.txt", text))
    assert sorted(read.words) == sorted([".", "New York", ". . .", "end"])
    assert read["New York"].tolist() == [3, 4]
    assert read["end"].tolist() == [7, 8]


def test_many_lines_are_read_in_several_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("fourfold.readers.vectors.text.BLOCK_BYTES", 2000)
    text = "".join(f"w{i} {i} {-i}\n" for i in range(3000))
    read = WordVectors.open(write(tmp_path / "v.txt", text))
    assert read.words == [f"w{i}" for i in range(3000)]
    assert read["w2999"].tolist() == [2999, -2999]


# --- looking up ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("fire", "fire"),
        ("ice_cream", "ice_cream"),
        ("ice cream", "ice_cream"),
        ("Ice-Cream", "ice_cream"),
        ("New York", "New York"),
        ("New_York", "New York"),
        ("jack o lantern", "jack-o-lantern"),
        ("Dalmatian", "dalmatian"),
        (" Ulm\t", "ulm"),
    ],
)
def test_a_name_is_looked_up_whole(vectors, name, word):
    np.testing.assert_array_equal(vectors.vectors([name]), [vectors[word]])


@pytest.mark.parametrize("name", ["fire engine", "fire_engine", "fire-engine", "Fire  Engine"])
def test_else_it_is_the_mean_of_its_words(vectors, name):
    np.testing.assert_allclose(vectors.vectors([name])[0], NUMBERS[1:3].mean(0), rtol=1e-6)


def test_the_whole_name_goes_before_its_words():
    vectors = WordVectors(["hot", "dog", "hot_dog"], np.eye(3))
    assert vectors.vectors(["hot dog"]).tolist() == [[0, 0, 1]]
    assert vectors.vectors(["dog hot"]).tolist() == [[0.5, 0.5, 0]]


def test_as_it_is_written_goes_before_small_letters():
    vectors = WordVectors(["turkey", "Turkey"], np.eye(2))
    assert vectors.vectors(["Turkey", "turkey", "TURKEY"]).tolist() == [[0, 1], [1, 0], [1, 0]]


def test_of_a_word_that_stands_twice_the_first_holds():
    assert WordVectors(["a", "b", "a"], [[1], [2], [3]])["a"].tolist() == [1]


def test_missing_words_are_listed_with_their_names(vectors):
    assert vectors.missing(["fire", "fire zorse", "okapi"]) == {
        "fire zorse": ["zorse"],
        "okapi": ["okapi"],
    }
    with pytest.raises(DataError, match=r"got none for 'fire zorse' \(zorse\), 'okapi'$"):
        vectors.vectors(["fire", "fire zorse", "okapi"])
    with pytest.raises(DataError, match=r"and 3 more$"):
        vectors.describe([f"zorse{i}" for i in range(8)])
    assert "fire" in vectors
    assert "okapi" not in vectors
    with pytest.raises(KeyError):
        vectors["Dalmatian"]


def test_classes_with_missing_words_are_left_out_if_asked_and_listed(vectors):
    with pytest.warns(FourfoldWarning, match=r"left out .*: 'fire zorse' \(zorse\), 'okapi'$"):
        found = vectors.describe(["fire", "fire zorse", "okapi"], missing="drop")
    assert list(found) == ["fire"]
    with pytest.warns(FourfoldWarning) as said:
        found = vectors.describe(["fire", "fire zorse", "okapi"], missing="partial")
    assert list(found) == ["fire", "fire zorse"]
    np.testing.assert_array_equal(found["fire zorse"], vectors["fire"])
    (message,) = [str(w.message) for w in said]
    assert "left out for lack of vectors: 'okapi'" in message
    assert "without their missing words for lack of vectors: 'fire zorse' (zorse)" in message
    with pytest.raises(
        DataError, match="at least one class must have a vector; got none for 'okapi'"
    ):
        vectors.describe(["okapi"], missing="drop")
    with pytest.raises(ParameterError, match="missing must be one of 'refuse'"):
        vectors.describe(["fire"], missing="guess")


def test_nothing_is_said_where_nothing_is_missing(vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors.describe(["fire", "ulm"], missing="partial")


@pytest.mark.parametrize("name", ["", "  ", "-", "_ _"])
def test_a_name_without_words_is_missing(vectors, name):
    assert list(vectors.missing([name])) == [name]


def test_descriptions_are_made_of_names_as_labels_are(vectors):
    found = Descriptions.of(vectors.describe({7: "fire", 3: "ice cream"}))
    assert found.names.tolist() == [7, 3]
    np.testing.assert_array_equal(found.matrix, [vectors["fire"], vectors["ice_cream"]])
    digits = WordVectors(["0", "1"], np.eye(2)).describe([1, 0])
    assert list(digits) == [1, 0]
    assert digits[1].tolist() == [0, 1]


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lines_of(6) + "bad 1 2\n", "line 7 must have 3 numbers after .* got 2"),
        (lines_of(6) + "bad\n" + lines_of(2), "line 7 must have 3 numbers .* got 0"),
        (lines_of(2) + "bad 1 2 3 worse 1 2 3\n", "line 3 must have 3 numbers .* got 7"),
        (lines_of(2) + "bad 1 2 3 4\n", "line 3 must have 3 numbers .* got 4"),
        ("9 3\n" + lines_of(2) + "bad 1 2\n", "line 4 must have 3 numbers .* got 2"),
        (lines_of(2) + "bad 1 x 3\n", "line 3 must have finite numbers after its word; got 'x'"),
        (lines_of(2) + "bad 1 nan 3\n", "line 3 must have finite numbers .* got 'nan'"),
        (lines_of(2) + "bad 1 1e99 3\n", "line 3 must have finite numbers .* got '1e99'"),
        (lines_of(2) + "two words 1 inf 3\n", "line 3 must have finite numbers .* got 'inf'"),
        (lines_of(2) + "bad 1  3\n", "line 3 must have finite numbers .* got nothing"),
        ("1 " + "9" * 5000 + "\nx 1\n", "must give the counts .* 15 digits; got '1 9999"),
        ("9" * 19 + " 3\n" + lines_of(2), "line 1 must give the counts of words and of numbers"),
        ("2 99999999\n" + lines_of(2), "line 2 must have 99999999 numbers"),
        ("9 3\n" + lines_of(2), "must hold 9 words, as its first line says; got 2"),
        ("2 4\n" + lines_of(2), "line 2 must have 4 numbers"),
        ("word\n", "line 1 must be a word and its numbers; got 'word'"),
        ("", "line 1 must be a word and its numbers; got nothing"),
        ("2 3\n", "line 2 must be a word and its numbers; got nothing"),
        ("name,a,b\nx,1,2\n", "line 1 must be a word and its numbers; got 'name,a,b'"),
        ("name a b\nx 1 2\n", "line 1 must have finite numbers after its word; got 'a'"),
    ],
)  # fmt: skip
def test_a_broken_line_is_named(tmp_path, text, said):
    file = write(tmp_path / "v.txt", text)
    with pytest.raises(DataError, match=said) as error:
        WordVectors.open(file)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


def test_a_broken_line_far_down_is_found(tmp_path):
    text = lines_of(200_000) + "bad 1\n" + lines_of(3)
    with pytest.raises(DataError, match="line 200001 must have 3 numbers"):
        WordVectors.open(write(tmp_path / "v.txt", text))


@pytest.mark.parametrize("store", [True, False])
def test_another_encoding_is_told_by_its_byte_and_line(tmp_path, store):
    file = write(tmp_path / "v.txt", lines_of(4) + "caf\xe9 1 2 3\n" + lines_of(1), "latin-1")
    with pytest.raises(DataError, match=r"line 5 must be UTF-8.*got byte 0xe9 at position 3$"):
        WordVectors.open(file, store=Store(tmp_path / "store") if store else None)
    with pytest.raises(DataError, match=r"line 1 must be UTF-8.*got byte 0xff at position 0$"):
        WordVectors.open(write(tmp_path / "w.txt", lines_of(4), "utf-16"))


@pytest.mark.parametrize("cut", [20, -9])
def test_a_damaged_gzip_is_one_sentence(tmp_path, cut):
    content = gzip.compress(lines_of(5000).encode())
    (tmp_path / "v.txt.gz").write_bytes(content[:cut])
    with pytest.raises(DataError, match="must be gzip, undamaged"):
        WordVectors.open(tmp_path / "v.txt.gz")
    (tmp_path / "v.txt.gz").write_bytes(lines_of(3).encode())
    with pytest.raises(DataError, match="must be gzip, undamaged"):
        WordVectors.open(tmp_path / "v.txt.gz")


@pytest.mark.parametrize("at", [12, 200, 20_000])
def test_so_is_one_that_is_damaged_inside(tmp_path, at):
    """Errors of zlib are not OSErrors."""
    content = bytearray(gzip.compress(lines_of(5000).encode(), compresslevel=1, mtime=0))
    content[at : at + 60] = np.random.default_rng(at).bytes(60)
    (tmp_path / "v.vec.gz").write_bytes(content)
    with pytest.raises(DataError, match="must be gzip, undamaged") as error:
        WordVectors.open(tmp_path / "v.vec.gz")
    assert "\n" not in str(error.value)


def test_bad_arrays_and_words_are_one_sentence(tmp_path):
    array, words = tmp_path / "v.npy", tmp_path / "w.txt"
    np.save(array, NUMBERS)
    with pytest.raises(
        DataError, match=r"beside it, v\.txt or v\.parquet or v\.csv; there is none"
    ):
        WordVectors.open(array)
    with pytest.raises(DataError, match="a word for each of 8 vectors; got 2 words"):
        WordVectors.open(array, words=write(words, "a\nb\n"))
    with pytest.raises(DataError, match="must be UTF-8"):
        WordVectors.open(array, words=write(words, "\xe9", "latin-1"))
    pd.DataFrame({"word": WORDS, "n": range(8)}).to_parquet(tmp_path / "w.parquet")
    with pytest.raises(DataError, match=r"column must name the words .* word, n; got None"):
        WordVectors.open(array, words=tmp_path / "w.parquet")
    with pytest.raises(DataError, match=r"column 'n' of .* must hold words; got int64"):
        WordVectors.open(array, words=tmp_path / "w.parquet", column="n")
    write(tmp_path / "w.parquet", "no table")
    with pytest.raises(DataError, match=r"w\.parquet must be whole and readable"):
        WordVectors.open(array, words=tmp_path / "w.parquet")
    write(words, "\n".join(WORDS))
    np.save(array, NUMBERS[0])
    with pytest.raises(DataError, match=r"real numbers \(n, d\); got float32 of shape \(3,\)"):
        WordVectors.open(array, words=words)
    write(array, "no array")
    with pytest.raises(DataError, match=r"v\.npy must be whole and readable"):
        WordVectors.open(array, words=words)
    np.save(array, np.where(np.arange(8)[:, None] == 2, np.nan, NUMBERS))
    read = WordVectors.open(array, words=words)
    with pytest.raises(DataError, match="must be finite; got NaN or infinity for 'engine'"):
        read.vectors(["fire engine"])


def test_files_that_are_not_there_or_of_other_endings(tmp_path):
    with pytest.raises(FileError, match=r"none\.txt must be a file; there is none"):
        WordVectors.open(tmp_path / "none.txt")
    np.save(tmp_path / "v.npy", NUMBERS)
    with pytest.raises(FileError, match=r"none\.csv must be a file; there is none"):
        WordVectors.open(tmp_path / "v.npy", words=tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"must end in one of \.txt, \.vec"):
        WordVectors.open(write(tmp_path / "v.bin", "2 3\n"))
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(FileError, match=r"folder\.txt must be readable"):
        WordVectors.open(tmp_path / "folder.txt")
