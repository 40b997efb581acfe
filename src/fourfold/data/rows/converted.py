"""Rows that are converted when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Index, Keys, Rows, hash_contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

__all__ = ["ConvertedRows"]


@final
class ConvertedRows(Rows):
    """Rows that a function converts when they are read, such as texts as tokens.

    Parameters
    ----------
    rows
        Rows as they are stored.
    convert
        Converts what these read, each by itself: (n, *shape).
    shape, dtype, padded
        Of a converted row, as in :class:`~fourfold.data.rows.base.Rows`.
    salt
        Hash of all that the function depends on: keys are those of the rows, and this.
    """

    def __init__(
        self,
        rows: Rows,
        convert: Callable[[Any], NDArray[Any]],
        shape: tuple[int, ...],
        dtype: DTypeLike,
        salt: str,
        *,
        padded: bool = False,
    ) -> None:
        self.rows, self.convert, self.salt = rows, convert, salt
        self.n, self.shape, self.dtype, self.padded = rows.n, shape, np.dtype(dtype), padded

    def take(self, index: Index) -> NDArray[Any]:
        if not len(index):
            return np.zeros((0, *self.shape), self.dtype)
        return self.convert(self.rows.take(index))

    def subset(self, index: Index) -> ConvertedRows:
        part = self.rows.subset(index)
        return ConvertedRows(
            part, self.convert, self.shape, self.dtype, self.salt, padded=self.padded
        )

    def _hash(self) -> Keys:
        salt = self.salt.encode()
        return hash_contents(key.tobytes() + salt for key in self.rows.keys)
