"""Sparse rows stay sparse."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from fourfold.data.rows import SparseRows, as_rows


def test_sparse_rows_stay_sparse_and_are_read_dense():
    matrix = sparse.csr_array(np.eye(3))
    rows = as_rows(matrix)
    assert isinstance(rows, SparseRows)
    assert rows.matrix.nnz == 3
    np.testing.assert_array_equal(rows.take(np.array([2, 0])), np.eye(3, dtype=np.float32)[[2, 0]])
