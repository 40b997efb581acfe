"""Rows made of other rows: several stacked, or some picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Rows, common_white
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows.base import Index, Keys

__all__ = ["PickedRows", "StackedRows"]


@final
class StackedRows(Rows):
    """Rows of several sources of one kind and shape, each read from its own storage."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        shapes = {part.shape for part in parts}
        spoken = all(part.spoken for part in parts) and len({part.shape[0] for part in parts}) == 1
        if len(shapes) > 1 and not spoken:
            raise DataError(f"rows of all sources must have one shape; got {sorted(shapes)}")
        self.parts = list(parts)
        self.kind, self.shape, self.columns = parts[0].kind, max(shapes), parts[0].columns
        self.white, self.layout = common_white(parts), parts[0].layout
        self.spoken = parts[0].spoken
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
        if self.spoken:
            blocks = [_lengthened(block, self.shape[1]) for block in blocks]
        return np.concatenate(blocks)[back]

    def subset(self, index: Index) -> Rows:
        return PickedRows(self, index)

    def _hash(self) -> Keys:
        return np.concatenate([part.keys for part in self.parts])


def _lengthened(block: NDArray[Any], frames: int) -> NDArray[Any]:
    """Add frames of zeros to utterances (n, channels, T)."""
    return np.pad(block, ((0, 0), (0, 0), (0, frames - block.shape[2])))


@final
class PickedRows(Rows):
    """Some rows of other rows, by their positions, in any order."""

    def __init__(self, rows: Rows, index: Index) -> None:
        self.rows, self.index, self.n = rows, index, len(index)
        self.kind, self.shape, self.dtype = rows.kind, rows.shape, rows.dtype
        self.columns = rows.columns
        self.white, self.layout = rows.white, rows.layout
        self.spoken, self.padded = rows.spoken, rows.padded

    def take(self, index: Index) -> Any:
        return self.rows.take(self.index[index])

    def subset(self, index: Index) -> PickedRows:
        return PickedRows(self.rows, self.index[index])

    def _hash(self) -> Keys:
        return self.rows.keys[self.index]
