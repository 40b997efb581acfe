"""AsIs: numbers without preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows import check_finite
from fourfold.preparation.blockwise import BlockPreparation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["AsIs"]


@final
class AsIs(BlockPreparation):
    """Leave numbers unchanged but for their type, float32.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows([[1, 2], [3, 4]])
    >>> AsIs().fit(rows).transform(rows).sample(2)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """

    keeps_sparse = True

    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        return rows[0].shape

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        check_finite(block, "the input X")
        return block.astype(np.float32, copy=False)

    def describe(self) -> str:
        return "inputs as they are"

    def config(self) -> dict[str, Any]:
        return {}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # only a shape was fitted

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del config, folder
        self.row_shape_ = self.shape_
