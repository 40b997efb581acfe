"""Texts as sequences of symbols."""

import numpy as np
import pytest

from fourfold.core.transcripts.symbols import encode_texts, normalized, spelled, symbols_of


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Caffe\u0300, perche\u0301?", "caffè perché"),  # composed
        ("That\u2019s 'all' \u2014 folks!", "that's all folks"),
        ("well-known", "well known"),
        ("L'operatore", "l'operatore"),
        ("ДОБРЫЙ день", "добрый день"),
        ("...", ""),
    ],
)
def test_a_plain_text_has_letters_and_single_spaces(text: str, plain: str) -> None:
    assert normalized(text, plain=True) == plain


def test_a_text_as_it_is_keeps_case_and_punctuation() -> None:
    assert normalized(" Oh,  NO! ", plain=False) == "Oh, NO!"


def test_codes_give_the_text_back() -> None:
    texts = ["ab ba", "c"]
    symbols = symbols_of(texts)
    codes = encode_texts([*texts, None], symbols)
    assert symbols == [" ", "a", "b", "c"]
    assert codes.shape == (3, 5)
    assert [spelled(row, symbols) for row in codes] == ["ab ba", "c", ""]
    assert (codes[2] == -1).all()
    assert codes.dtype == np.int64
