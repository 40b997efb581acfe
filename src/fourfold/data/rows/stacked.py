"""Rows made of other rows: several stacked, or some picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.libraries import imported_class
from fourfold.data.rows.base import Rows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.rows.base import Index, Keys

__all__ = ["PickedRows", "StackedRows"]


@final
class StackedRows(Rows):
    """Rows of several sources, one after another, each read from its own storage.

    Parameters
    ----------
    parts
        Rows of one kind and shape.

    Raises
    ------
    DataError
        If the shapes differ.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        shapes = {part.shape for part in parts}
        if len(shapes) > 1:
            raise DataError(f"rows of all sources must have one shape; got {sorted(shapes)}")
        self.parts = list(parts)
        self.kind = parts[0].kind
        self.ends = np.cumsum([part.n for part in parts])

    @property
    def n(self) -> int:
        return int(self.ends[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(part.dtype for part in self.parts))

    def take(self, index: Index) -> Any:
        owner = np.searchsorted(self.ends, index, side="right")
        order = np.argsort(owner, kind="stable")
        starts = np.concatenate([[0], self.ends[:-1]])
        blocks = [
            self.parts[i].take(index[order][owner[order] == i] - starts[i])
            for i in np.unique(owner)
        ]
        stacked = _concatenate(blocks)
        back = np.argsort(order, kind="stable")
        return stacked.iloc[back] if self.kind == "table" else stacked[back]

    def subset(self, index: Index) -> Rows:
        return PickedRows(self, index)

    def _hash(self) -> Keys:
        return np.concatenate([part.keys for part in self.parts])


@final
class PickedRows(Rows):
    """Some rows of other rows, in any order.

    Parameters
    ----------
    rows
        All rows.
    index
        Positions of the picked ones.
    """

    def __init__(self, rows: Rows, index: Index) -> None:
        self.rows, self.index, self.kind = rows, index, rows.kind

    @property
    def n(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype

    def take(self, index: Index) -> Any:
        return self.rows.take(self.index[index])

    def subset(self, index: Index) -> PickedRows:
        return PickedRows(self.rows, self.index[index])

    def _hash(self) -> Keys:
        return self.rows.keys[self.index]


def _concatenate(blocks: Sequence[Any]) -> Any:
    """Concatenate blocks of rows, data frames or arrays."""
    if isinstance(blocks[0], imported_class("pandas", "DataFrame")):
        import pandas as pd

        return pd.concat(list(blocks), ignore_index=True)
    return np.concatenate(list(blocks))
