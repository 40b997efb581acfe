"""AsIs changes nothing but the type."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from fourfold.data.rows import as_rows
from fourfold.errors import DataError
from fourfold.preparation.choose import AsIs
from preparation_samples import every, numbers


def test_as_is_keeps_values_and_sparse_rows_sparse():
    x = numbers(4, 3, 2, dtype=np.uint8)
    np.testing.assert_array_equal(every(AsIs().fit(as_rows(x)).transform(as_rows(x))), x)
    matrix = as_rows(sparse.csr_array(np.eye(3)))
    assert AsIs().fit(matrix).transform(matrix) is matrix
    matrix.matrix.data[1] = np.nan
    with pytest.raises(DataError, match="NaN"):
        AsIs().fit(matrix).transform(matrix)
