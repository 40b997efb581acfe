"""Alignment of domains that are used together: the same columns, or one size of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.data.rows import FrameRows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows

    Names = Sequence[Path | str]

__all__ = ["align", "align_with", "check_one_kind"]


def align(names: Names, rows: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Rows]:
    """Bring the rows of several domains to one order of columns, or to one size.

    Parameters
    ----------
    names
        Names of the domains in messages.
    rows
        Rows of one kind.
    size
        Size of pictures or sounds; by default taken from the rows.

    Raises
    ------
    DataError
        If columns or shapes differ.
    """
    tables = [part for part in rows if isinstance(part, FrameRows)]
    if tables:
        return _same_columns(names, tables)
    if rows and rows[0].kind == "pictures":
        from fourfold.readers import pictures

        return list(
            pictures.one_size([p for p in rows if isinstance(p, pictures.PictureRows)], size)
        )
    if rows and rows[0].kind == "sounds":
        from fourfold.readers import sounds

        return list(sounds.one_size([p for p in rows if isinstance(p, sounds.SoundRows)], size))
    _check_one_shape(names, rows)
    return list(rows)


def align_with(like: Domain, path: Path, rows: Rows) -> Rows:
    """Bring the rows of one file to the columns or the size of another domain.

    Raises
    ------
    DataError
        If they differ in kind, columns or shape.
    """
    names = (like.name, path)
    check_one_kind(names, [like.rows, rows])
    if rows.kind in {"pictures", "sounds"}:
        from fourfold.readers.decoded import DecodedRows

        if isinstance(rows, DecodedRows):
            fitted = rows.fitting(like.rows.shape)
            _check_one_shape(names, [like.rows, fitted])
            return fitted
    return align(names, [like.rows, rows])[1]


def check_one_kind(names: Names, rows: Sequence[Rows]) -> None:
    """Refuse rows of several kinds, such as a table beside pictures."""
    if len({part.kind for part in rows}) > 1:
        found = ", ".join(f"{name}: {part.kind}" for name, part in zip(names, rows, strict=True))
        raise DataError(f"domains must be of one kind; got {found}")


def _check_one_shape(names: Names, rows: Sequence[Rows]) -> None:
    for name, part in zip(names, rows, strict=True):
        if part.shape != rows[0].shape:
            raise DataError(
                "the rows of all domains must have one shape; "
                f"got {rows[0].shape} in {names[0]} and {part.shape} in {name}"
            )


def _same_columns(names: Names, tables: Sequence[FrameRows]) -> list[Rows]:
    columns = list(tables[0].frame.columns)
    aligned: list[Rows] = []
    for name, table in zip(names, tables, strict=True):
        here, there = set(table.frame.columns), set(columns)
        gaps = [
            f"{where} lacks {', '.join(sorted(map(str, lacking)))}"
            for where, lacking in ((name, there - here), (names[0], here - there))
            if lacking
        ]
        if gaps:
            raise DataError(f"tables must have the same columns; {'; '.join(gaps)}")
        aligned.append(FrameRows(table.frame[columns]))
    return aligned
