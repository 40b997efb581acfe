"""Tokens of texts: integers, with the tokenizer in the saved model."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import TextRows
from fourfold.errors import DataError
from fourfold.preparation.choose import load_preparation
from fourfold.preparation.pretrained.tokens import Tokens
from small_networks import WORDS, folder

TEXTS = TextRows(["good film", " ".join(WORDS), "the plot is of a very good book"])


@pytest.fixture(scope="module")
def network():
    return f"hf:{folder('bert')}"


def test_numbers_of_tokens_then_zeros(network):
    rows = Tokens(network=network, max_tokens=16).fit(TEXTS).transform(TEXTS)
    tokens = rows.take(np.arange(3))
    assert (tokens.dtype, tokens.shape, rows.padded) == (np.int32, (3, 16), True)
    assert tokens[0].tolist() == [2 + WORDS.index(w) for w in ("good", "film")] + [0] * 14
    assert rows.subset(np.array([2])).take(np.array([0])).tolist() == tokens[2:].tolist()


def test_long_texts_are_truncated_counted_and_said(network):
    fitted = Tokens(network=network, max_tokens=16).fit(TEXTS)
    (note,) = fitted.notes()
    assert note.startswith("1 of 3 texts are longer than the 16 tokens")
    assert Tokens(network=network).fit(TEXTS).shape_ == (64,)  # as many as it has positions for


def test_saved_and_loaded_without_the_network(network, tmp_path, monkeypatch):
    fitted = Tokens(network=network, max_tokens=16).fit(TEXTS)
    fitted.save(tmp_path)
    monkeypatch.setattr("fourfold.preparation.pretrained.folders.find_network", None)
    again = load_preparation(tmp_path).transform(TEXTS)
    assert np.array_equal(again.take(np.arange(3)), fitted.transform(TEXTS).take(np.arange(3)))


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(DataError, match="must hold a tokenizer"):
        Tokens(network=f"hf:{tmp_path}").fit(TEXTS)
