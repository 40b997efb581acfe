"""Preparations of arrays, done block by block when rows are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
from sklearn.utils.validation import check_is_fitted
from xxhash import xxh3_128_digest

from fourfold.data.rows import KEY, Rows, SparseRows, check_finite
from fourfold.errors import DataError
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["BlockPreparation", "PreparedRows"]


@final
class PreparedRows(Rows):
    """Rows that are prepared block by block when they are read.

    Parameters
    ----------
    rows
        Raw rows.
    preparation
        Fitted.
    """

    def __init__(self, rows: Rows, preparation: BlockPreparation) -> None:
        self.rows, self.preparation = rows, preparation

    @property
    def n(self) -> int:
        return self.rows.n

    @property
    def shape(self) -> tuple[int, ...]:
        return self.preparation.shape_

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def take(self, index: Index) -> NDArray[np.float32]:
        return self.preparation.apply(self.rows.take(index))

    def subset(self, index: Index) -> PreparedRows:
        return PreparedRows(self.rows.subset(index), self.preparation)

    def _hash(self) -> Keys:
        salt = self.preparation.digest.encode()
        keys = np.empty(self.n, KEY)
        for i, key in enumerate(self.rows.keys):
            keys[i] = np.void(xxh3_128_digest(key.tobytes() + salt))
        return keys


class BlockPreparation(Preparation, ABC):
    """A preparation of arrays that works on any block of rows.

    Attributes
    ----------
    row_shape_
        The shape of one raw row.
    """

    keeps_sparse: ClassVar[bool] = False
    """Whether sparse rows are returned unchanged."""

    @final
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.row_shape_: tuple[int, ...] = check_one_shape(rows, type(self).__name__)
        return self._learn_arrays(rows)

    @abstractmethod
    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        """Fit to rows of one shape and return the shape of a prepared one."""

    @abstractmethod
    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """Prepare a block, each row alone: (B, *row_shape_) to (B, *shape_).

        Raises
        ------
        DataError
            If the block holds NaN or infinity.
        """

    @final
    def transform(self, rows: Rows, who: str = "") -> Rows:
        self._check_shape(rows, who)
        if self.keeps_sparse and isinstance(rows, SparseRows):
            check_finite(rows.matrix.data, "the input X")
            return rows
        return PreparedRows(rows, self)

    @final
    def check_rows(self, rows: Rows, who: str = "") -> None:
        self._check_shape(rows, who)
        if isinstance(rows, SparseRows):
            check_finite(rows.matrix.data, "the input X")
        elif rows.dtype.kind == "f":
            for block in rows.blocks():
                check_finite(block, "the input X")

    def _check_shape(self, rows: Rows, who: str) -> None:
        check_is_fitted(self)
        who = who or type(self).__name__
        check_numbers(rows, who)
        if rows.shape != self.row_shape_:
            raise DataError(_other_shape(rows.shape, self.row_shape_, who))


def check_numbers(rows: Rows, who: str) -> None:
    """Refuse tables and texts instead of numbers."""
    if rows.kind == "table":
        raise DataError(f"{who} must be given arrays of numbers; got a table: TablePreparation")
    if rows.kind == "texts":
        raise DataError(
            f"{who} must be given arrays of numbers; got texts: WordCounts or SentenceEncoding"
        )


def check_one_shape(rows: tuple[Rows, ...], who: str) -> tuple[int, ...]:
    """Return the common row shape of all domains.

    Raises
    ------
    DataError
        If there are several shapes, or a table among them.
    """
    for part in rows:
        check_numbers(part, who)
        if part.shape != rows[0].shape:
            raise DataError(
                f"the rows of all domains must have one shape; got {rows[0].shape} and {part.shape}"
                f"{_HINTS.get(part.kind, '')}"
            )
    return rows[0].shape


_HINTS: Final = dict.fromkeys(
    ("pictures", "sounds"),
    ": read them together, read_domains([...]), or read_domain(..., like=...)",
)


def _other_shape(got: tuple[int, ...], want: tuple[int, ...], who: str) -> str:
    if len(got) == len(want) == 1:
        return f"X has {got[0]} features, but {who} is expecting {want[0]} features as input"
    return f"X has rows of shape {got}, but {who} is expecting rows of shape {want} as input"
