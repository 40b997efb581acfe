"""Rows of arrays are not copied, and hold finite real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows, as_rows, check_finite
from fourfold.errors import DataError

GRID = np.arange(24, dtype=np.float32).reshape(6, 4)


def test_reading_a_stretch_of_an_array_copies_nothing(tmp_path):
    np.save(tmp_path / "grid.npy", GRID)
    for array in (GRID, np.load(tmp_path / "grid.npy", mmap_mode="r")):
        rows = as_rows(array)
        assert isinstance(rows, ArrayRows)
        assert np.shares_memory(rows.array, array)
        assert np.shares_memory(rows.take(np.arange(2, 5)), array)
        assert not np.shares_memory(rows.take(np.array([4, 2])), array)


@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")])
def test_numbers_that_are_not_finite_are_refused_by_name(bad, says):
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        check_finite(np.array([1.0, bad]), "the input X")
    check_finite(np.array([1, 2]), "the input X")
