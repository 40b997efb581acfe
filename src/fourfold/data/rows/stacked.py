"""Rows made of other rows: several stacked, or some picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Rows, common_white
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.rows.base import Index, Keys

__all__ = ["PickedRows", "StackedRows"]


@final
class StackedRows(Rows):
    """Rows of several sources of one kind and shape, each read from its own storage."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        shapes = {part.shape for part in parts}
        if len(shapes) > 1:
            raise DataError(f"rows of all sources must have one shape; got {sorted(shapes)}")
        self.parts = list(parts)
        self.kind, self.shape, self.columns = parts[0].kind, parts[0].shape, parts[0].columns
        self.white, self.layout = common_white(parts), parts[0].layout
        self.padded = parts[0].padded
        self.dtype = np.result_type(*(part.dtype for part in parts))
        self.ends = np.cumsum([part.n for part in parts])
        self.n = int(self.ends[-1])

    def take(self, index: Index) -> Any:
        owner = np.searchsorted(self.ends, index, side="right")
        starts = self.ends - [part.n for part in self.parts]
        blocks = [self.parts[i].take(index[owner == i] - starts[i]) for i in np.unique(owner)]
        back = np.argsort(np.argsort(owner, kind="stable"), kind="stable")
        if self.kind == "table":
            import pandas as pd

            return pd.concat(blocks, ignore_index=True).iloc[back]
        return np.concatenate(blocks)[back]

    def subset(self, index: Index) -> Rows:
        return PickedRows(self, index)

    def _hash(self) -> Keys:
        return np.concatenate([part.keys for part in self.parts])


@final
class PickedRows(Rows):
    """Some rows of other rows, by their positions, in any order."""

    def __init__(self, rows: Rows, index: Index) -> None:
        self.rows, self.index, self.n = rows, index, len(index)
        self.kind, self.shape, self.dtype = rows.kind, rows.shape, rows.dtype
        self.columns = rows.columns
        self.white, self.layout, self.padded = rows.white, rows.layout, rows.padded

    def take(self, index: Index) -> Any:
        return self.rows.take(self.index[index])

    def subset(self, index: Index) -> PickedRows:
        return PickedRows(self.rows, self.index[index])

    def _hash(self) -> Keys:
        return self.rows.keys[self.index]
