"""Rows of data frames are hashed by their cells."""

from __future__ import annotations

import pandas as pd

from fourfold.data.rows import FrameRows


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [1.0, None, 3.0],
            "town": pd.Categorical(["Ulm", "Bonn", "Ulm"]),
            "note": ["a", None, "c"],
            "day": pd.to_datetime(["2020-01-01", None, "2021-05-06"]),
        }
    )


def test_a_tables_keys_follow_its_cells_not_its_index_or_its_kinds_of_storage():
    whole = FrameRows(frame())
    assert FrameRows(frame().set_axis([7, 8, 9])).digest == whole.digest
    changed = frame()
    changed.loc[2, "note"] = "d"
    same = FrameRows(changed).keys == whole.keys
    assert same.tolist() == [True, True, False]
    assert FrameRows(frame().rename(columns={"age": "years"})).digest != whole.digest
