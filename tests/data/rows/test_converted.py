"""Rows that are converted when they are read."""

from __future__ import annotations

import numpy as np

from fourfold.data.rows import ConvertedRows, TextRows


def lengths(texts):
    return np.array([[len(text)] for text in texts], np.int32)


def test_rows_are_converted_when_they_are_read():
    rows = ConvertedRows(TextRows(["a", "bc", "def"]), lengths, (1,), np.int32, "lengths")
    assert rows.take(np.array([2, 0])).tolist() == [[3], [1]]
    assert rows.take(np.array([], np.intp)).shape == (0, 1)
    part = rows.subset(np.array([1, 2]))
    assert part.take(np.arange(2)).tolist() == [[2], [3]]
    assert part.keys.tolist() == rows.keys[1:].tolist()


def test_keys_are_of_the_content_and_of_the_conversion():
    texts = TextRows(["a", "bc"])
    keys = [ConvertedRows(texts, lengths, (1,), np.int32, salt).keys for salt in ("one", "two")]
    assert len({key.tobytes() for of in keys for key in of}) == 4
