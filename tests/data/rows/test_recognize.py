"""Unusable inputs are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fourfold.data.rows import as_rows
from fourfold.errors import DataError


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (np.zeros((0, 3)), "at least one row"),
        ([1.0, 2.0], "Reshape your data"),
        (np.zeros((2, 0)), "0 feature"),
        (np.zeros((2, 2), complex), "Complex data not supported"),
        (np.array([["a", "b"]]), "must be numbers"),
        (np.array([[{}, 1]], object), "must be numbers"),
        (sparse.csr_array((0, 3)), "at least one row"),
        (pd.DataFrame({"a": []}), "at least one row"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(inputs, says):
    with pytest.raises(DataError, match=says):
        as_rows(inputs)
