"""Padding of sequences: rows of a like length are computed together, and no further than they go.

Rows (B, L) of tokens, or (B, L, d) of features, end in zeros after their own length; of features
the first one of each step is its mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["alike", "rounded_lengths", "trimmed"]

STEP: Final = 16
"""Lengths are rounded up to a multiple of this number of steps, to batch similar ones."""


def rounded_lengths(block: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the length of each row (B,), up to its last step that is not zero, rounded up.

    Examples
    --------
    >>> rounded_lengths(np.eye(2, 40, 30, dtype=np.int32))
    array([32, 32])
    """
    there = (block if block.ndim == 2 else block[..., 0]) != 0
    most = there.shape[1]
    last = np.where(there.any(axis=1), most - there[:, ::-1].argmax(axis=1), 1)
    rounded: NDArray[np.intp] = np.minimum(-(-last // STEP) * STEP, most)
    return rounded


def trimmed(block: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return rows (B, L', ...) up to the longest one's length."""
    return block[:, : int(rounded_lengths(block).max(initial=STEP))]


def alike(block: NDArray[np.generic], most: int) -> list[Index]:
    """Return groups of at most so many rows of one length each, as positions."""
    lengths = rounded_lengths(block)
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    return [run[at : at + most] for run in np.split(order, ends) for at in range(0, len(run), most)]
