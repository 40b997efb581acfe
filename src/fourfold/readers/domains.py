"""Domains from files and folders: one alone, or several that are used together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows, Rows
from fourfold.errors import DataError, one_line, some
from fourfold.readers import texts
from fourfold.readers.files import file_size, named, short
from fourfold.readers.media.decoded import DecodedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    Names = Sequence[Path | str]
    Read = tuple[Rows, Any, Any]
    """Rows, labels, and names of the rows."""

__all__ = ["read_domain", "read_domains"]

TABLES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet", ".xlsx")
ARRAYS = (".npz", ".npy")


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
        One of these. A table: ``.csv``, ``.tsv`` or ``.jsonl``, each also ``.gz``, ``.parquet``, or
        the first sheet of an ``.xlsx`` file; a table whose only input is a column of text is read
        as texts. Arrays: ``.npz`` with ``X`` and optionally ``y``, or ``.npy``, which stays on
        disk. A folder of pictures (PNG, JPEG, GIF, BMP, WebP, TIFF or PPM), of sounds (``.wav``,
        ``.flac``, ``.ogg``, ``.mp3`` or ``.aiff``) or of texts (``.txt``): each sub-folder is a
        class, and files outside the sub-folders have no label. Hidden files and files with other
        endings are ignored, and so are texts beside pictures or sounds. A table of such files, with
        their paths in a column ``file_name`` or ``path``, relative to it, and labels beside them;
        also the folder around it, if it is called ``metadata.csv`` or ``metadata.jsonl``. A single
        picture or sound.
    label
        Column of a table with the labels; a table without it is unlabelled.
    size
        Height and width of pictures, or bands and frames of sounds; by default taken from the
        files. A frame is 10 ms; see :class:`~fourfold.readers.media.sounds.SoundRows`.
    missing
        Marker of a missing label: see :class:`~fourfold.Domain`. An empty cell always is one.
    name
        Name of the domain in messages and reports; by default the file's name without its ending.
    like
        Domain to align with: its order of columns, its size of pictures or sounds, or its column
        of text.

    Raises
    ------
    FileError
        If the file is missing, unreadable or no file: a FIFO, a socket, a device.
    DataError
        If its content cannot be used, or takes more memory than
        :func:`~fourfold.core.memory.max_memory` allows; the message names the file and the remedy.
    """
    path = Path(path)
    rows, y, ids = _read(path, label, size)
    (rows,) = texts.as_texts([path], [rows], None if like is None else like.rows)
    if like is not None:
        rows = _aligned_with(like, path, rows)
    return _domain(path, rows, y, ids, missing, name)


def read_domains(
    paths: Sequence[Path | str],
    *,
    label: str | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
) -> list[Domain]:
    """Read several files or folders of one kind, and align them.

    Tables get the same order of columns; they are read as texts if each has only a column of text.
    Pictures get one size, the largest of all, and one number of channels. Sounds get the frames of
    the longest and the bands of the lowest sample rate.

    Parameters
    ----------
    paths
        Files or folders of one kind, as in :func:`read_domain`.
    label, size, missing
        As in :func:`read_domain`, for all of them.

    Raises
    ------
    FileError
        If one is missing or unreadable.
    DataError
        If one cannot be used, if none of the tables has the label column, or if they differ in
        kind, columns or shape.
    """
    files = [Path(path) for path in paths]
    read = [_read(file, label, size) for file in files]
    rows = texts.as_texts(files, [inputs for inputs, *_ in read])
    _check_one_kind(files, rows)
    if read and read[0][0].kind == "table" and label is not None:
        _check_label(files, read, label)
    rows = _aligned(files, rows, size)
    return [
        _domain(file, inputs, y, ids, missing)
        for file, inputs, (_, y, ids) in zip(files, rows, read, strict=True)
    ]


def _read(path: Path, label: str | None, size: tuple[int, int] | None) -> Read:
    with named(path, "a file or a folder"):
        return _read_folder(path, label, size) if path.is_dir() else _read_file(path, label, size)


def _domain(
    path: Path, rows: Rows, y: Any, ids: Any, missing: object, name: str | None = None
) -> Domain:
    called = path.name if path.is_dir() else path.name.split(".")[0] or path.name
    with named(path):
        return Domain(rows, y, missing=missing, name=name or called, ids=ids)


def _read_folder(path: Path, label: str | None, size: tuple[int, int] | None) -> Read:
    from fourfold.readers.media.folders import read_folder
    from fourfold.readers.media.listed import find_list

    table = find_list(path)
    listed = None if table is None else _read_file(table, label, size)
    return read_folder(path, size) if listed is None or listed[2] is None else listed


def _read_file(path: Path, label: str | None, size: tuple[int, int] | None) -> Read:
    file_size(path)  # report a missing file before an unknown ending
    if path.name.lower().endswith(TABLES):
        from fourfold.readers.media.listed import read_listed
        from fourfold.readers.tables import read_table

        rows, y = read_table(path, label)
        files = read_listed(path, {name: rows.frame[name] for name in rows.frame}, size)
        return (rows, y, None) if files is None else (files.rows, y, files.names)
    if path.name.lower().endswith(ARRAYS):
        from fourfold.readers.arrays import read_arrays

        return (*read_arrays(path), None)
    from fourfold.readers.media.folders import is_item, rows_of

    if is_item(path, texts_too=False):  # a text alone may be any table
        return rows_of([path], size), None, [path.name]
    known = ", ".join((*TABLES, *ARRAYS))
    raise DataError(
        f"a file must end in one of {known}, be a picture or a sound, or be a folder of pictures, "
        "sounds or texts"
    )


def _check_label(files: Sequence[Path], read: Sequence[Read], label: str) -> None:
    if all(y is None for _, y, _ in read):
        columns = sorted({str(c) for rows, *_ in read if isinstance(rows, FrameRows)
                          for c in rows.frame.columns})  # fmt: skip
        said = (
            f"the label column {label!r} must be in at least one of {some(files)}; it is in none, "
            f"the columns are {some(columns)}"
        )
        raise DataError(one_line(said))


def _aligned(names: Names, rows: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Rows]:
    """Bring rows of one kind to one order of columns, or to one size."""
    tables = [part for part in rows if isinstance(part, FrameRows)]
    if tables:
        return _with_the_same_columns(names, tables)
    if rows and isinstance(rows[0], DecodedRows):
        return list(rows[0].one_size(rows, size))
    _check_one_shape(names, rows)
    return list(rows)


def _aligned_with(like: Domain, path: Path, rows: Rows) -> Rows:
    """Bring the rows of one file to the columns or the size of another domain."""
    names = (like.name, path)
    _check_one_kind(names, [like.rows, rows])
    if isinstance(rows, DecodedRows):
        fitted = rows.fitting(like.rows.shape, like.rows.white)
        _check_one_shape(names, [like.rows, fitted])
        return fitted
    return _aligned(names, [like.rows, rows])[1]


def _check_one_kind(names: Names, rows: Sequence[Rows]) -> None:
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


def _with_the_same_columns(names: Names, tables: Sequence[FrameRows]) -> list[Rows]:
    columns = list(tables[0].frame.columns)
    for name, table in zip(names, tables, strict=True):
        here, there = set(table.frame.columns), set(columns)
        gaps = [
            f"{short(where)} lacks {some(sorted(map(str, lacking)))}"
            for where, lacking in ((name, there - here), (names[0], here - there))
            if lacking
        ]
        if gaps:
            raise DataError(one_line(f"tables must have the same columns; {'; '.join(gaps)}"))
    return [FrameRows(table.frame[columns]) for table in tables]
