"""Rows of a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Rows, hash_contents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.data.rows.base import Index, Keys
    from fourfold.data.schema.column import Column

__all__ = ["FrameRows"]


@final
class FrameRows(Rows):
    """Rows of a DataFrame: numbers, categories, dates and texts, some missing.

    Column names are part of the input, their order is not. Where the ``columns`` of a schema are
    given, by name, the cells were read by it.
    """

    kind = "table"
    dtype = np.dtype(object)

    def __init__(self, frame: Any, columns: Mapping[Any, Column] | None = None) -> None:
        self.frame, self.columns = frame, columns
        self.n, self.shape = len(frame), frame.shape[1:]
        self._within: tuple[FrameRows, Index] | None = None

    def take(self, index: Index) -> Any:
        return self.frame.iloc[index]

    def subset(self, index: Index) -> FrameRows:
        part = FrameRows(self.frame.iloc[index], self.columns)
        whole, places = self.within
        part._within = whole, places[index]
        return part

    def apart(self) -> FrameRows:
        return FrameRows(self.frame, self.columns)

    @property
    def within(self) -> tuple[FrameRows, Index]:
        """The rows of which these are a subset, maybe themselves, and the places there."""
        return self._within or (self, np.arange(self.n))

    def _hash(self) -> Keys:
        import pandas as pd

        names = self.frame.columns.map(str)
        frame = self.frame.iloc[:, np.argsort(names.to_numpy(), kind="stable")]
        columns = repr([(str(name), str(kind)) for name, kind in frame.dtypes.items()])
        if self.columns is not None:
            columns += repr([self.columns[name].kind for name in frame.columns])
        plain = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
        hashes = pd.util.hash_pandas_object(plain, index=False).to_numpy()
        return hash_contents(value.tobytes() + columns.encode() for value in hashes)
