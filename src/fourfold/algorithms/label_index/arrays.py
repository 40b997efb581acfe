"""Vectors as arrays of 32-bit floats that faiss can handle, checked block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from fourfold.algorithms.label_index.backend import Vectors

__all__ = ["LABELS", "as_matrix", "as_vectors", "check_finite", "in_blocks", "with_bias"]

LABELS: Final = "vectors of labels"
"""Their name in error messages."""

BLOCK: Final = 1 << 16
"""Vectors that are handled at a time."""
LARGEST: Final = 1e37
"""Bound of squared lengths plus twice the bias: distances must fit into 32-bit floats."""


def in_blocks(n: int) -> Iterator[slice]:
    """Cut n vectors into blocks."""
    return (slice(at, min(at + BLOCK, n)) for at in range(0, n, BLOCK))


def as_matrix(values: ArrayLike, what: str) -> Vectors:
    """Return a matrix of 32-bit floats; one that is such already is not copied."""
    rows = _as_numbers(values, what)
    if rows.ndim != 2:
        raise DataError(f"{what} must be (n, d); got an array of shape {rows.shape}")
    return np.ascontiguousarray(rows)


def as_vectors(values: ArrayLike, what: str, width: int) -> Vectors:
    """Return vectors (n, width) of 32-bit floats, finite and short enough for faiss."""
    rows = as_matrix(values, what)
    if rows.shape[1] != width:
        raise DataError(f"{what} must be of width {width}, as the index is; got {rows.shape[1]}")
    check_finite(rows, what)
    _check_lengths(rows, what)
    return rows


def with_bias(vectors: Vectors, bias: ArrayLike | None, *, biased: bool) -> Vectors:
    """Append each label's bias to its vector, (k, d + 1), if the index is biased."""
    if (bias is not None) != biased:
        raise DataError(
            "labels must all have a bias or none; those in the index have "
            f"{'one' if biased else 'none'}, those added have another"
        )
    if bias is None:
        _check_lengths(vectors, LABELS)
        return vectors
    column = _as_numbers(bias, "bias of labels").reshape(-1, 1)
    if len(column) != len(vectors):
        raise DataError(f"bias must be of {len(vectors)} labels; got {len(column)}")
    check_finite(column, "bias of labels")
    _check_lengths(vectors, LABELS, column[:, 0])
    return np.column_stack([vectors, column])


def _as_numbers(values: ArrayLike, what: str) -> Vectors:
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
    for part in in_blocks(len(rows)):
        fine = np.isfinite(rows[part]).all(axis=1)
        if not fine.all():
            bad = part.start + int(fine.argmin())
            raise DataError(f"{what} must be finite; got NaN or infinity in row {bad}")


def _check_lengths(rows: Vectors, what: str, bias: Vectors | None = None) -> None:
    """Refuse rows whose distances do not fit into 32-bit floats: faiss aborts on them."""
    for part in in_blocks(len(rows)):
        with np.errstate(over="ignore"):
            square = np.einsum("nd,nd->n", rows[part], rows[part])
            if bias is not None:
                square = square + 2 * np.abs(bias[part])
        worst = int(square.argmax())
        if square[worst] > LARGEST:
            bad = part.start + worst
            raise DataError(
                f"{what} must have squared lengths{'' if bias is None else ' + 2 |bias|'} of at "
                f"most {LARGEST:.0e}; got {square[worst]:.3g} in row {bad}: scale them down"
            )
