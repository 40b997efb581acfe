"""From files to domains: tables, arrays, pictures, sounds, texts, one file a kind of data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows, Rows
from fourfold.errors import DataError, FileError
from fourfold.readers import texts
from fourfold.readers.classes import read_classes
from fourfold.readers.texts import TEXTS, as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    Read = tuple[Rows, Any]

__all__ = ["read_classes", "read_domain", "read_domains"]

TABLES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet")
ARRAYS = (".npz", ".npy")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


def read_domain(
    path: Path | str,
    *,
    label: str | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
    name: str | None = None,
    like: Domain | None = None,
) -> Domain:
    """Read one file or folder.

    Parameters
    ----------
    path
        A table (``.csv``, ``.tsv`` or ``.jsonl``, all also ``.gz``, or ``.parquet``), which is
        texts where its only input is a column of text; arrays (``.npz`` with ``X`` and maybe ``y``,
        or ``.npy``, which stays on disk); or a folder of pictures, of sounds (``.wav``, ``.flac``,
        ``.ogg`` or ``.mp3``), or of texts (``.txt``), where a sub-folder is a class and files
        beside the sub-folders have no label. Hidden files, and files of other endings, are passed
        over; so are texts beside pictures or sounds.
    label
        The column of a table that becomes y; a table without it is unlabelled.
    size
        Height and width of pictures, or bands and frames of sounds; by default chosen from them.
        A frame is 10 ms; see :class:`~fourfold.readers.sounds.SoundRows`.
    missing
        What marks a missing label: see :class:`~fourfold.Domain`. Empty cells always do.
    name
        How messages and reports call it; by default the file's name without its ending.
    like
        A domain that it is lined up with: its order of columns, its size of pictures or sounds,
        or its column of text.

    Raises
    ------
    FileError
        If there is no such file, or it cannot be read.
    DataError
        If the file's content cannot be used; the message names the file and what to do.
    """
    path = Path(path)
    rows, y = _read(path, label, size)
    (rows,) = as_texts([path], [rows], None if like is None else like.rows)
    if like is not None:
        rows = _lined_up_with(like, path, rows)
    return _domain(path, rows, y, missing, name)


def read_domains(
    paths: Sequence[Path | str],
    *,
    label: str | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
) -> list[Domain]:
    """Read several files or folders that are to be used together, and line them up.

    Tables get one order of columns, or are texts, where each has only a column of text; pictures
    get one size, the largest of the domains' own, and one number of channels; sounds get the frames
    of the longest and the bands of the lowest rate.

    Parameters
    ----------
    paths
        Files or folders, as :func:`read_domain` takes them, all of one kind.
    label, size, missing
        As in :func:`read_domain`, for all of them.

    Raises
    ------
    FileError
        If one is not there or cannot be read.
    DataError
        If one cannot be used, none of the tables has the label column, or they don't go together:
        several kinds, other columns, or other shapes.
    """
    places = [Path(path) for path in paths]
    read = [_read(path, label, size) for path in places]
    inputs = as_texts(places, [rows for rows, _ in read])
    _check_one_kind([*places], inputs)
    if read and read[0][0].kind == "table" and label is not None:
        _check_label(places, read, label)
    rows = _lined_up([*places], inputs, size)
    return [
        _domain(path, rows_, y, missing)
        for path, rows_, (_, y) in zip(places, rows, read, strict=True)
    ]


def _read(path: Path, label: str | None, size: tuple[int, int] | None) -> Read:
    try:
        return _read_folder(path, size) if path.is_dir() else _read_file(path, label)
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from error
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"{path} must be a file or a folder; there is none") from error
    except OSError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error


def _domain(path: Path, rows: Rows, y: Any, missing: object, name: str | None = None) -> Domain:
    try:
        return Domain(rows, y, missing=missing, name=name or _name(path))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _read_folder(path: Path, size: tuple[int, int] | None) -> Read:
    from fourfold.readers import pictures
    from fourfold.readers.folders import Folder

    folder = Folder.open(path)
    seen, heard = folder.ending_in(pictures.endings()), folder.ending_in(SOUNDS)
    if seen.files and heard.files:
        raise DataError(
            f"{path} must hold pictures or sounds, not both; got {seen.paths[0]} "
            f"and {heard.paths[0]}"
        )
    if heard.files:
        from fourfold.readers import sounds

        return sounds.read_folder(heard, size)
    if seen.files:
        return pictures.read_folder(seen, size)
    written = folder.ending_in(TEXTS)
    if written.files:
        return texts.read_folder(written)
    raise DataError(
        f"{path} must hold pictures, sounds or texts ({', '.join(TEXTS)}), by sub-folders or flat; "
        "there is none"
    )


def _read_file(path: Path, label: str | None) -> Read:
    path.stat()  # a file that is not there is said so, whatever its ending
    if path.name.lower().endswith(TABLES):
        from fourfold.readers.tables import read_table

        return read_table(path, label)
    if path.name.lower().endswith(ARRAYS):
        from fourfold.readers.arrays import read_arrays

        return read_arrays(path)
    known = ", ".join((*TABLES, *ARRAYS))
    raise DataError(
        f"a file must end in one of {known}, or be a folder of pictures, sounds or texts"
    )


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.name.split(".")[0] or path.name


def _check_one_kind(places: list[Path | str], inputs: list[Rows]) -> None:
    kinds = {rows.kind for rows in inputs}
    if len(kinds) > 1:
        found = ", ".join(f"{p}: {rows.kind}" for p, rows in zip(places, inputs, strict=True))
        raise DataError(f"domains must be of one kind; got {found}")


def _check_label(places: list[Path], read: list[Read], label: str) -> None:
    if all(y is None for _, y in read):
        columns = sorted({str(c) for rows, _ in read if isinstance(rows, FrameRows)
                          for c in rows.frame.columns})  # fmt: skip
        where = ", ".join(map(str, places))
        raise DataError(
            f"the label column {label!r} must be in at least one of {where}; it is in none, "
            f"the columns are {', '.join(columns)}"
        )


def _lined_up_with(like: Domain, path: Path, rows: Rows) -> Rows:
    places: list[Path | str] = [like.name, path]
    _check_one_kind(places, [like.rows, rows])
    if rows.kind in {"pictures", "sounds"}:
        from fourfold.readers.decoded import DecodedRows

        if isinstance(rows, DecodedRows):
            fitted = rows.fitting(like.rows.shape)
            _check_one_shape(places, [like.rows, fitted])
            return fitted
    return _lined_up(places, [like.rows, rows], None)[1]


def _lined_up(
    places: list[Path | str], rows: list[Rows], size: tuple[int, int] | None
) -> list[Rows]:
    """Give the domains one order of columns, or one size; refuse what cannot be lined up."""
    tables = [part for part in rows if isinstance(part, FrameRows)]
    if tables:
        return _one_order(places, tables)
    if rows and rows[0].kind == "pictures":
        from fourfold.readers.pictures import PictureRows, one_size

        pictures = [part for part in rows if isinstance(part, PictureRows)]
        return list(one_size(pictures, size))
    if rows and rows[0].kind == "sounds":
        from fourfold.readers import sounds

        return list(
            sounds.one_size([part for part in rows if isinstance(part, sounds.SoundRows)], size)
        )
    _check_one_shape(places, rows)
    return rows


def _check_one_shape(places: list[Path | str], rows: list[Rows]) -> None:
    for place, part in zip(places, rows, strict=True):
        if part.shape != rows[0].shape:
            raise DataError(
                "the rows of all domains must have one shape; "
                f"got {rows[0].shape} in {places[0]} and {part.shape} in {place}"
            )


def _one_order(places: list[Path | str], tables: list[FrameRows]) -> list[Rows]:
    columns = list(tables[0].frame.columns)
    lined: list[Rows] = []
    for place, table in zip(places, tables, strict=True):
        here, there = set(table.frame.columns), set(columns)
        gaps = [
            f"{where} lacks {', '.join(sorted(map(str, lacking)))}"
            for where, lacking in ((place, there - here), (places[0], here - there))
            if lacking
        ]
        if gaps:
            raise DataError(f"tables must have the same columns; {'; '.join(gaps)}")
        lined.append(FrameRows(table.frame[columns]))
    return lined
