"""Rows of texts are non-empty strings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import TextRows, as_rows
from fourfold.errors import DataError


@pytest.mark.parametrize(
    "texts",
    [["a", "longer"], ("a", "longer"), np.array(["a", "longer"]), pd.Series(["a", "longer"])],
)
def test_strings_of_any_container_are_texts(texts):
    rows = as_rows(texts)
    assert isinstance(rows, TextRows)
    assert rows.take(np.array([1, 0])).tolist() == ["longer", "a"]
    assert (rows.subset(np.array([1])).keys == rows.keys[1:]).all()


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (None, r"a missing one \(None\)"),
        (3, "3"),
        (" ", "an empty one"),
        ("\ud800", "one that is no Unicode"),
    ],
)
def test_other_texts_are_refused(text, got):
    says = rf"text 1 of column 'note' \(counted from 0\) must be a non-empty string; got {got}"
    with pytest.raises(DataError, match=says):
        TextRows(["a", text], "note")
