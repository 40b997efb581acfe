"""Stacked and picked rows are read and hashed as the rows they are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import ArrayRows, FrameRows, PickedRows, StackedRows
from fourfold.errors import DataError

A, B = np.arange(6.0).reshape(3, 2), np.arange(6.0, 10.0).reshape(2, 2)


def test_stacked_rows_are_read_in_any_order():
    rows = StackedRows([ArrayRows(A), ArrayRows(B)])
    both = np.concatenate([A, B])
    order = np.array([4, 0, 3, 2, 0])
    np.testing.assert_array_equal(rows.take(order), both[order])
    assert rows.digest == ArrayRows(both).digest
    picked = rows.subset(order)
    assert isinstance(picked, PickedRows)
    np.testing.assert_array_equal(picked.subset(np.array([2, 0])).take(np.arange(2)), both[[3, 4]])
    assert (picked.keys == rows.keys[order]).all()


def test_stacked_tables_are_tables():
    frames = [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [3]})]
    rows = StackedRows([FrameRows(frame) for frame in frames])
    assert rows.kind == "table"
    assert rows.take(np.array([2, 0, 1]))["a"].tolist() == [3, 1, 2]


def test_stacked_rows_must_have_one_shape():
    with pytest.raises(DataError, match=r"must have one shape; got \[\(2,\), \(3,\)\]"):
        StackedRows([ArrayRows(A), ArrayRows(np.eye(3))])
