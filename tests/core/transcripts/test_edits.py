"""Edits of transcripts."""

from fourfold.core.transcripts.edits import confusions, count_edits


def test_rates_are_of_all_texts_together() -> None:
    true, found = ["abcd", "ef"], ["abxd", ""]
    letters = count_edits(true, found)
    assert letters.edits.tolist() == [1, 2]
    assert letters.lengths.tolist() == [4, 2]
    assert letters.rate == 0.5
    assert count_edits(true, found, "words").rate == 1.0


def test_insertions_count_beyond_the_length() -> None:
    assert count_edits(["a"], ["a b c"], "words").rate == 2.0


def test_differing_words_are_aligned() -> None:
    found = confusions(["press one now"], ["press won"])
    assert found == {("one", "won"): 1, ("now", ""): 1}
