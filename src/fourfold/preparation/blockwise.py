"""Preparations of arrays, done block by block when rows are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from fourfold.data.rows import (
    ArrayRows,
    Rows,
    SparseRows,
    check_finite,
    common_white,
    hash_contents,
)
from fourfold.errors import DataError
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["AsIs", "BlockPreparation", "InputStage", "PreparedRows", "StagePreparation"]

LOOKED_AT: Final = 256
"""Rows that are looked at for whole numbers."""


@final
class PreparedRows(Rows):
    """Raw rows that a fitted preparation prepares block by block when they are read."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Rows, preparation: BlockPreparation) -> None:
        self.rows, self.preparation = rows, preparation
        self.n, self.spoken = rows.n, rows.spoken
        self.shape = rows.shape if rows.spoken else preparation.shape_

    def take(self, index: Index) -> NDArray[np.float32]:
        return self.preparation.apply(self.rows.take(index))

    def subset(self, index: Index) -> PreparedRows:
        return PreparedRows(self.rows.subset(index), self.preparation)

    def _hash(self) -> Keys:
        length = str(self.shape) if self.spoken else ""  # values of frames depend on it
        salt = (self.preparation.digest + length).encode()
        return hash_contents(key.tobytes() + salt for key in self.rows.keys)


class BlockPreparation(Preparation, ABC):
    """A preparation of arrays that works on any block of rows.

    Attributes
    ----------
    row_shape_
        The shape of one raw row.
    white_
        Value that is white in files of pictures of more than 8 bits, as rows were read; else None.
    spoken_
        Whether rows are utterances, of any length.
    """

    keeps_sparse: ClassVar[bool] = False
    """Whether sparse rows are returned unchanged."""

    @final
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.row_shape_: tuple[int, ...] = rows[0].shape
        spoken = all(part.spoken for part in rows)
        if spoken:  # utterances of any length
            self.row_shape_ = rows[0].shape[0], max(part.shape[1] for part in rows)
        for part in rows:
            _check_numbers(part, type(self).__name__)
            if part.shape != self.row_shape_ and not (spoken and part.shape[0] == rows[0].shape[0]):
                raise DataError(
                    "the rows of all domains must have one shape; got "
                    f"{self.row_shape_} and {part.shape}{_HINTS.get(part.kind, '')}"
                )
        self.white_, self.spoken_ = common_white(rows), rows[0].spoken
        return self._learn_arrays(rows)

    @property
    def feature_columns(self) -> Sequence[Any] | None:
        return range(*self.shape_) if len(self.row_shape_) == 1 else None

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
        _check_numbers(rows, who)
        got, want = rows.shape, self.row_shape_
        same = got[:1] == want[:1] if self.spoken_ else got == want
        if same and self.spoken_ == rows.spoken:
            return
        if self.spoken_ != rows.spoken:
            kinds = {True: "speech to transcribe", False: "rows of one length"}
            raise DataError(f"{who} must be given {kinds[self.spoken_]}; got {kinds[rows.spoken]}")
        if len(got) == len(want) == 1:
            raise DataError(
                f"X has {got[0]} features, but {who} is expecting {want[0]} features as input"
            )
        raise DataError(
            f"X has rows of shape {got}, but {who} is expecting rows of shape {want} as input"
        )


class InputStage(nn.Module):
    """A preparation as the first stage of a network, from raw rows; training leaves it as it is."""


class StagePreparation(BlockPreparation, ABC):
    """A preparation that is the first stage of the network itself.

    Rows keep their bytes in memory, and an exported model takes them raw.
    """

    @abstractmethod
    def module(self) -> InputStage:
        """Return the transform as a module, from raw rows (B, *row_shape_) to (B, *shape_)."""

    @abstractmethod
    def example(self, n: int) -> NDArray[Any]:
        """Draw n raw rows that lie where those of the training lie."""

    @final
    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        check_finite(block, "the input X")
        with torch.inference_mode():
            native = block.dtype.newbyteorder("=")
            x = torch.from_numpy(np.array(block, native))  # a copy: a memory map is read-only
            ready: NDArray[np.float32] = self.module()(x).contiguous().numpy()
        return ready


@final
class AsIs(BlockPreparation):
    """Leave numbers unchanged but for their type, float32.

    Attributes
    ----------
    range_
        Least and largest of whole numbers, such as those of tokens; None of others.

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
        self.range_ = None if rows[0].spoken else _range(rows)
        return self.row_shape_

    def example(self, n: int) -> NDArray[Any]:
        if self.range_ is None:
            drawn = super().example(n)
            if self.spoken_:
                drawn[::2, :, drawn.shape[2] // 2 :] = 0  # behind the end of every other one
            return drawn
        low, high = self.range_
        drawn = np.random.default_rng(0).integers(low, high + 1, (n, *self.shape_))
        return drawn.astype(np.float32)

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        check_finite(block, "the input X")
        return block.astype(np.float32, copy=False)

    def describe(self) -> str:
        return "inputs as they are"

    def config(self) -> dict[str, Any]:
        known = {} if self.range_ is None else {"range": self.range_}
        return {"white": self.white_, **({"spoken": True} if self.spoken_ else {}), **known}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # only a shape was fitted

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del folder
        self.row_shape_, self.white_ = self.shape_, config["white"]
        self.spoken_ = config.get("spoken", False)
        found = config.get("range")
        self.range_ = None if found is None else (int(found[0]), int(found[1]))


def _range(parts: Sequence[Rows]) -> tuple[int, int] | None:
    """Return the least and the largest of whole numbers in arrays; None of others, or of bytes."""
    if any(not isinstance(part, ArrayRows) or part.dtype == np.uint8 for part in parts):
        return None
    seen = [part.sample(LOOKED_AT) for part in parts]
    if any(not np.isfinite(x).all() or (x != np.round(x)).any() for x in seen):
        return None
    return int(min(x.min() for x in seen)), int(max(x.max() for x in seen))


def _check_numbers(rows: Rows, who: str) -> None:
    """Refuse tables and texts instead of numbers."""
    if rows.kind in _REMEDIES:
        raise DataError(f"{who} must be given arrays of numbers; got {_REMEDIES[rows.kind]}")


_REMEDIES: Final = {
    "table": "a table: TablePreparation",
    "texts": "texts: WordCounts or SentenceEncoding",
}
_HINTS: Final = dict.fromkeys(
    ("pictures", "sounds", "speech"),
    ": read them together, read_domains([...]), or read_domain(..., like=...)",
)
