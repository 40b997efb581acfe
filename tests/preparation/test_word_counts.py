"""Texts are encoded by their words, as TF-IDF or counts."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.preparation.choose import WordCounts, load_preparation
from preparation_samples import TEXTS, every


def test_tf_idf_by_hand():
    rows = as_rows(["red red apple", "red pear", "green pear"])
    words = WordCounts().fit(rows)
    assert words.words_ == ["apple", "green", "pear", "red"]
    idf = np.log(4 / np.array([2, 2, 3, 3])) + 1  # log((1 + n) / (1 + texts)) + 1
    np.testing.assert_allclose(words.idf_, idf, rtol=1e-6)
    first = np.array([1, 0, 0, 1 + np.log(2)]) * idf
    got = every(words.transform(rows))
    np.testing.assert_allclose(got[0], first / np.linalg.norm(first), rtol=1e-5)
    assert got.min() == 0
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, rtol=1e-6)


def test_the_words_are_those_of_all_domains_and_the_most_frequent():
    source, target = as_rows(["wine wine cheese", "wine"]), as_rows(["bread wine", "bread"])
    assert WordCounts(max_features=2).fit(source, target).words_ == ["bread", "wine"]
    assert WordCounts(min_df=2).fit(source, target).words_ == ["bread", "wine"]
    counts = WordCounts(weights="counts").fit(source, target)
    assert every(counts.transform(source)).tolist() == [[0, 1, 2], [0, 0, 1]]
    unknown = every(counts.transform(as_rows(["caviar"])))
    assert unknown.tolist() == [[0, 0, 0]]


def test_texts_without_spaces_are_described_by_their_letters():
    rows = as_rows(["东京是日本的首都", "北京是中国的首都"])
    words = WordCounts().fit(rows)
    assert "首都" in words.words_
    assert words.describe().endswith("words and groups of letters, tf-idf")


def test_texts_without_any_word_are_refused():
    with pytest.raises(DataError, match="texts must have words to learn from"):
        WordCounts().fit(as_rows(["...", "!?"]))


def test_parameters_may_be_numbers_of_numpy(tmp_path):
    rows = as_rows(TEXTS)
    preparation = WordCounts(max_features=np.int64(9)).fit(rows)
    assert preparation.digest == WordCounts(max_features=9).fit(rows).digest
    preparation.save(tmp_path)
    assert load_preparation(tmp_path).digest == preparation.digest


def test_earlier_names_are_told():
    with pytest.raises(ParameterError, match="max_words of WordCounts must be written"):
        WordCounts(max_words=9)
