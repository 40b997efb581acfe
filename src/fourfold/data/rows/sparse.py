"""Rows of a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Rows, hash_contents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows.base import Index, Keys

__all__ = ["SparseRows"]


@final
class SparseRows(Rows):
    """Rows of a sparse matrix (N, d), kept as CSR and read as dense float32."""

    kind = "sparse"
    dtype = np.dtype(np.float32)

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.tocsr()
        n, width = map(int, matrix.shape)
        self.n, self.shape = n, (width,)

    def take(self, index: Index) -> NDArray[np.float32]:
        dense: NDArray[np.float32] = self.matrix[index].toarray().astype(np.float32, copy=False)
        return dense

    def subset(self, index: Index) -> SparseRows:
        return SparseRows(self.matrix[index])

    def _hash(self) -> Keys:
        matrix = self.matrix.sorted_indices()
        salt = f"{matrix.dtype.str}{self.shape}".encode()
        spans = [slice(*matrix.indptr[i : i + 2]) for i in range(self.n)]
        return hash_contents(
            matrix.indices[span].astype(np.int64).tobytes() + matrix.data[span].tobytes() + salt
            for span in spans
        )
