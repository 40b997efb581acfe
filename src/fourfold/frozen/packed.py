"""Packed rows: several values of each row in one vector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import numpy as np

from fourfold.data.rows import Rows, hash_blocks
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.data.rows import Index, Keys

__all__ = ["PackedRows", "unpack"]


@final
class PackedRows(Rows):
    """Rows of several kinds as one vector of float32 for each row, packed when read.

    They are equally many, else a DataError is raised, and of any shapes: (n, *shape) each.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, parts: Sequence[Rows]) -> None:
        lengths = {part.n for part in parts}
        if len(lengths) != 1:
            raise DataError(f"packed rows must be equally many; got {sorted(lengths)}")
        self.parts, self.n = list(parts), parts[0].n
        self.shape = (sum(math.prod(part.shape) for part in parts),)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of a row of each part, for :func:`unpack`."""
        return [part.shape for part in self.parts]

    def take(self, index: Index) -> NDArray[np.float32]:
        read = [np.asarray(part.take(index), np.float32) for part in self.parts]
        return np.concatenate([part.reshape(len(index), -1) for part in read], axis=1)

    def subset(self, index: Index) -> PackedRows:
        return PackedRows([part.subset(index) for part in self.parts])

    def _hash(self) -> Keys:
        return hash_blocks(self)


def unpack(packed: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Unpack packed rows (B, width): (B, *shape) each."""
    sizes = [math.prod(shape) for shape in shapes]
    parts = packed.split(sizes, dim=1)  # type: ignore[no-untyped-call]  # torch's own
    return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
