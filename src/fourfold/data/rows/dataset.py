"""Rows of a Hugging Face dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.libraries import imported_classes
from fourfold.data.rows.base import Rows, hash_blocks
from fourfold.data.rows.frame import FrameRows
from fourfold.data.rows.stacked import PickedRows
from fourfold.data.rows.text import TextRows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows.base import Index, Keys

__all__ = ["DatasetRows", "dataset_rows"]


@final
class DatasetRows(Rows):
    """Rows of a column of arrays or pictures in a Hugging Face dataset in NumPy format.

    They are read when needed: numbers as float32 or int64, pictures as uint8. A DataError says then
    if a row has another shape than the first.
    """

    def __init__(self, cells: Any, column: str) -> None:
        self.cells, self.column = cells, column
        first: NDArray[Any] = cells[0][column]
        self.n, self.shape, self.dtype = len(cells), first.shape, first.dtype
        pictures = isinstance(cells.features[column], imported_classes("datasets", "Image"))
        self.kind = "pictures" if pictures and first.ndim == 3 else "array"
        self.layout = "pictures" if pictures else "auto"

    def take(self, index: Index) -> NDArray[Any]:
        read = self.cells[index][self.column] if len(index) else []
        for row in read:
            if row is None or np.shape(row) != self.shape:
                got = "a missing cell" if row is None else f"one of {np.shape(row)}"
                raise DataError(
                    f"the rows of column {self.column!r} must have one shape, {self.shape}; got "
                    f"{got}. Pictures of several sizes: fourfold.readers.datasets.from_dataset"
                )
        return np.asarray(read, self.dtype).reshape(len(index), *self.shape)

    def subset(self, index: Index) -> PickedRows:
        return PickedRows(self, index)

    def _hash(self) -> Keys:
        return hash_blocks(self)


def dataset_rows(dataset: Any) -> Rows:
    """Read a Hugging Face dataset: one column of arrays or of texts, or a table."""
    cells = dataset.with_format("numpy")
    first = cells[0] if len(cells) else {}
    arrays = [name for name, cell in first.items() if isinstance(cell, np.ndarray)]
    value = imported_classes("datasets", "Value")
    strings = [
        name
        for name, kind in dataset.features.items()
        if isinstance(kind, value) and kind.dtype in {"string", "large_string"}
    ]
    if len(first) == len(strings) == 1:
        return TextRows(dataset.with_format(None)[strings[0]][:], strings[0])
    if not arrays:
        return FrameRows(dataset.to_pandas())
    if len(first) > 1:
        raise DataError(
            f"a dataset's column of arrays or pictures must be its only input; got {list(first)}: "
            "choose with select_columns, and give the labels as y"
        )
    rows = DatasetRows(cells, arrays[0])
    if rows.dtype.kind not in "biuf":
        raise DataError(f"arrays of a dataset must hold numbers; column {arrays[0]!r} does not")
    for _ in rows.blocks():  # find a row of another shape now, before any training
        pass
    return rows
