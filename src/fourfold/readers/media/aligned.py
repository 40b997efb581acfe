"""Alignment of rows that are used together: one kind, and one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.errors import DataError, one_line
from fourfold.readers.files import short
from fourfold.readers.media.decoded import DecodedRows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows

    Names = Sequence[Path | str]

__all__ = ["aligned", "aligned_with", "check_one_kind"]


def aligned(names: Names, rows: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Rows]:
    """Bring rows of one kind to one size.

    Raises
    ------
    DataError
        If arrays have several shapes.
    """
    if rows and isinstance(rows[0], DecodedRows):
        return list(rows[0].one_size(rows, size))
    _check_one_shape(names, rows)
    return list(rows)


def aligned_with(like: Domain, path: Path, rows: Rows) -> Rows:
    """Bring the rows of one file to the columns or the size of another domain.

    Raises
    ------
    DataError
        If they are of another kind, or have another shape.
    """
    names = (like.name, path)
    check_one_kind(names, [like.rows, rows])
    if isinstance(rows, DecodedRows):
        fitted = rows.fitting(like.rows.shape, like.rows.white)
        if not fitted.spoken:
            _check_one_shape(names, [like.rows, fitted])
        return fitted
    return aligned(names, [like.rows, rows])[1]


def check_one_kind(names: Names, rows: Sequence[Rows]) -> None:
    """Refuse rows of several kinds.

    Raises
    ------
    DataError
        If there are some.
    """
    if len({part.kind for part in rows}) > 1:
        found = ", ".join(f"{name}: {part.kind}" for name, part in zip(names, rows, strict=True))
        raise DataError(one_line(f"domains must be of one kind; got {found}"))


def _check_one_shape(names: Names, rows: Sequence[Rows]) -> None:
    for name, part in zip(names, rows, strict=True):
        if part.shape != rows[0].shape:
            raise DataError(
                "the rows of all domains must have one shape; "
                f"got {rows[0].shape} in {short(names[0])} and {part.shape} in {short(name)}"
            )
