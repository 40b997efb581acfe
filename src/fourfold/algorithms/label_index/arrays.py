"""Vectors as arrays of 32-bit floats that faiss can handle, checked block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fourfold.algorithms.label_index.backend import Vectors

__all__ = ["BLOCK", "as_matrix", "as_numbers", "check_finite", "check_lengths"]

BLOCK: Final = 1 << 16
"""Vectors that are handled at a time."""
LARGEST: Final = 1e37
"""Bound of squared lengths plus twice the bias: distances must fit into 32-bit floats."""


def as_matrix(values: ArrayLike, what: str) -> Vectors:
    """Return a matrix of 32-bit floats; one that is such already is not copied."""
    rows = as_numbers(values, what)
    if rows.ndim != 2:
        raise DataError(f"{what} must be (n, d); got an array of shape {rows.shape}")
    return np.ascontiguousarray(rows)


def as_numbers(values: ArrayLike, what: str) -> Vectors:
    """Return an array of 32-bit floats; numbers that are too large become infinite."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of several lengths
        raise DataError(f"{what} must be an array of real numbers; got: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} must be real numbers; got {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def check_finite(rows: Vectors, what: str) -> None:
    """Refuse rows (n, d) with NaN or infinity."""
    for at in range(0, len(rows), BLOCK):
        fine = np.isfinite(rows[at : at + BLOCK]).all(axis=1)
        if not fine.all():
            raise DataError(
                f"{what} must be finite; got NaN or infinity in row {at + int(fine.argmin())}"
            )


def check_lengths(rows: Vectors, what: str, bias: Vectors | None = None) -> None:
    """Refuse rows whose distances do not fit into 32-bit floats: faiss aborts on them.

    Parameters
    ----------
    rows
        (n, d), finite.
    what
        The rows in error messages.
    bias
        (n,), finite.
    """
    for at in range(0, len(rows), BLOCK):
        block = rows[at : at + BLOCK]
        with np.errstate(over="ignore"):
            square = np.einsum("nd,nd->n", block, block)
            if bias is not None:
                square = square + 2 * np.abs(bias[at : at + BLOCK])
        worst = int(square.argmax())
        if square[worst] > LARGEST:
            raise DataError(
                f"{what} must have squared lengths{'' if bias is None else ' + 2 |bias|'} of at "
                f"most {LARGEST:.0e}; got {square[worst]:.3g} in row {at + worst}: scale them down"
            )
