"""Scripts without spaces are cut into groups of letters; words of other scripts stay whole."""

from __future__ import annotations

import re

import pytest

from fourfold.data.rows import as_rows
from fourfold.data.scripts import WORD, are_grouped, separated, unspaced_letters
from fourfold.preparation.word_counts import WordCounts
from preparation_samples import every

WITHOUT = {
    "Thai": "วันนี้อากาศดีมาก",
    "Lao": "ມື້ນີ້ອາກາດດີຫຼາຍ",
    "Khmer": "ថ្ងៃនេះអាកាសធាតុល្អណាស់",
    "Burmese": "ဒီနေ့ရာသီဥတုကောင်းတယ်",
    "Chinese": "今天天气很好",
    "Japanese": "今日はとても天気がいいです",
}
WITH = {
    "English": "The weather is nice today",
    "Korean": "오늘은 날씨가 아주 좋습니다",
    "Hindi": "आज मौसम बहुत अच्छा है",
    "Arabic": "الطَّقس جميل اليوم",
    "Vietnamese": "Hôm nay thời tiết đẹp",
}


@pytest.mark.parametrize("script", WITHOUT)
def test_scripts_without_spaces(script):
    assert unspaced_letters(WITHOUT[script]) == len(WITHOUT[script])
    assert are_grouped(separated(WITHOUT[script]).split())


@pytest.mark.parametrize("script", WITH)
def test_scripts_with_spaces_keep_their_words_whole(script):
    text = WITH[script]
    assert unspaced_letters(text) == 0
    assert separated(text) == text
    assert re.findall(WORD, text) == text.split()


def test_groups_are_long_where_letters_are_few():
    assert separated("東京は").split() == ["東", "京", "は", "東京", "京は"]
    assert separated("ข้าว").split() == ["ข้", "้า", "าว", "ข้า", "้าว", "ข้าว"]
    assert separated("ก").split() == ["ก"]  # shorter than a group


def test_a_pile_of_several_scripts_has_words_and_groups():
    words = WordCounts().fit(as_rows(["iPhoneを買う", "I bought a phone", "買わない"]))
    assert {"iphone", "bought", "買", "phone"} <= set(words.words_)
    assert words.describe().endswith("words and groups of letters, tf-idf")


@pytest.mark.parametrize(
    ("good", "bad", "asked"),
    [
        ("อาหารอร่อยมาก", "บริการแย่มาก", "ร้านนี้อร่อย"),
        ("とても美味しいです", "態度が悪いです", "この店は美味しい"),
    ],
)
def test_a_new_text_is_nearest_to_the_one_that_shares_its_words(good, bad, asked):
    words = WordCounts().fit(as_rows([good, bad]))
    x = every(words.transform(as_rows([good, bad, asked])))
    to_good, to_bad = x[2] @ x[0], x[2] @ x[1]
    assert to_good > 2 * to_bad
