"""Rows of an array or a memory map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.rows.base import Rows, hash_blocks
from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows.base import Index, Keys, Layout

__all__ = ["ArrayRows", "as_array", "check_finite"]


@final
class ArrayRows(Rows):
    """Rows at some positions, by default all, of an array or a memory map (N, *shape).

    A layout may be known, as :class:`~fourfold.preparation.standardize.Standardize` names it.
    """

    def __init__(
        self,
        array: NDArray[Any],
        index: Index | None = None,
        layout: Layout = "auto",
        *,
        padded: bool = False,
    ) -> None:
        self.array, self.index, self.layout, self.padded = array, index, layout, padded
        self.n = len(array if index is None else index)
        self.shape, self.dtype = array.shape[1:], array.dtype

    def take(self, index: Index) -> NDArray[Any]:
        where = index if self.index is None else self.index[index]
        if len(where) and where[-1] - where[0] == len(where) - 1 and (np.diff(where) == 1).all():
            return np.asarray(self.array[where[0] : where[-1] + 1])
        return np.asarray(self.array[where])

    def subset(self, index: Index) -> ArrayRows:
        where = index if self.index is None else self.index[index]
        part = ArrayRows(self.array, where, self.layout, padded=self.padded)
        part.spoken = self.spoken
        return part

    def _hash(self) -> Keys:
        return hash_blocks(self)

    @property
    def in_memory(self) -> NDArray[Any] | None:
        """The array if it is in memory and whole, else None."""
        return None if self.index is not None or isinstance(self.array, np.memmap) else self.array


def as_array(X: Any) -> NDArray[Any]:
    """Convert inputs to an array (n, ...) of real numbers, and refuse any others."""
    array = X if isinstance(X, np.memmap) else np.asarray(X)
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"inputs of an array must be numbers; got objects: {error}") from error
    if array.ndim < 2:
        raise DataError(
            f"inputs must be at least 2-D, (rows, features); got an array of shape {array.shape}. "
            "Reshape your data: X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one row"
        )
    if np.iscomplexobj(array):
        raise DataError("Complex data not supported: inputs must be real numbers")
    if array.dtype.kind not in "biuf":
        raise DataError(f"inputs of an array must be numbers; got {array.dtype}: use a DataFrame")
    if 0 in array.shape[1:]:
        raise DataError(
            f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required: inputs are empty"
        )
    return array


def check_finite(block: NDArray[Any], what: str) -> None:
    """Refuse NaN and infinity among numbers by a DataError with the name given for them."""
    if block.dtype.kind == "f" and not np.isfinite(block).all():
        kind = "NaN" if np.isnan(block).any() else "infinity"
        raise DataError(
            f"{what} contains {kind}: arrays must hold finite numbers; "
            "impute them first, or bring a table, whose missing cells are imputed"
        )
