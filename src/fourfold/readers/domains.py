"""Domains from files and folders: one alone, or several that are used together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows, Rows, TextRows
from fourfold.data.schema import Hints, Labels, Pile, Schema, in_one_name, read_piles
from fourfold.errors import DataError, ParameterError, one_line, some
from fourfold.readers import texts
from fourfold.readers.decoded import DecodedRows, EncodedFiles
from fourfold.readers.files import Folder, file_size, named, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.schema import ReadPile

    Names = Sequence[Path | str]
    Read = Pile | tuple[Rows, Any]

__all__ = ["is_table", "read_domain", "read_domains", "read_inputs"]

TABLES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet")
ARRAYS = (".npz", ".npy")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


def read_domain(
    path: Path | str,
    *,
    label: str | Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
    name: str | None = None,
    like: Domain | None = None,
    schema: Schema | None = None,
    hints: Hints | None = None,
) -> Domain:
    """Read one file or folder.

    Parameters
    ----------
    path
        One of these. A table: ``.csv``, ``.tsv`` or ``.jsonl``, each also ``.gz``, or ``.parquet``;
        a table whose only input is a column of text is read as texts. Arrays: ``.npz`` with ``X``
        and optionally ``y``, or ``.npy``, which stays on disk. A folder of pictures (PNG, JPEG,
        GIF, BMP, WebP, TIFF or PPM), of sounds (``.wav``, ``.flac``, ``.ogg`` or ``.mp3``) or of
        texts (``.txt``): each sub-folder is a class, and files outside the sub-folders have no
        label. Hidden files and files with other endings are ignored, and so are texts beside
        pictures or sounds.
    label
        Column of a table with the labels, or several; a table without it is unlabelled.
    size
        Height and width of pictures, or bands and frames of sounds; by default taken from the
        files. A frame is 10 ms; see :class:`~fourfold.readers.sounds.SoundRows`.
    missing
        Marker of a missing label: see :class:`~fourfold.Domain`. An empty cell always is one.
    name
        Name of the domain in messages and reports; by default the file's name without its ending.
    like
        Domain to align with: its schema, its size of pictures or sounds, or its column of text.
    schema
        Description of the columns of a table; by default inferred from its cells, with ``hints``.
    hints
        Hints on the columns and labels of a table, beside the schema.

    Raises
    ------
    FileError
        If the file is missing, unreadable or no file: a FIFO, a socket, a device.
    DataError
        If its content cannot be used, or takes more memory than
        :func:`~fourfold.core.memory.max_memory` allows; the message names the file and the remedy.
    """
    path = Path(path)
    read = _read(path, size)
    if isinstance(read, Pile):
        known = schema if schema is not None or like is None else like.schema
        wishes = _hints(label, missing, hints, known)
        first = like.schema.inputs if like is not None and like.schema is not None else ()
        with named(path):
            schema, (part,) = read_piles(in_one_name([read], wishes, first), wishes)
        domain = _table_domain(path, part, schema, name)
        if like is not None:
            _check_one_kind((like.name, path), [like.rows, domain.rows])
        return domain
    rows, y = read
    if like is not None:
        rows = _aligned_with(like, path, rows)
    return _domain(path, rows, y, missing, _hints(label, missing, hints, None), name)


def read_domains(
    paths: Sequence[Path | str],
    *,
    label: str | Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
    schema: Schema | None = None,
    hints: Hints | None = None,
) -> list[Domain]:
    """Read several files or folders of one kind, and align them.

    Columns of tables are settled over all of them together; they are read as texts if their only
    input is a column of text. Pictures get one size, the largest of all, and one number of
    channels. Sounds get the frames of the longest and the bands of the lowest sample rate.

    Parameters
    ----------
    paths
        Files or folders of one kind, as in :func:`read_domain`.
    label, size, missing, schema, hints
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
    read = [_read(file, size) for file in files]
    piles = [one for one in read if isinstance(one, Pile)]
    others = [
        (file, one) for file, one in zip(files, read, strict=True) if not isinstance(one, Pile)
    ]
    wishes = _hints(label, missing, hints, schema)
    if not piles:
        rows = [inputs for _, (inputs, _) in others]
        _check_one_kind(files, rows)
        aligned = zip(others, _aligned(files, rows, size), strict=True)
        return [_domain(file, inputs, y, missing, wishes) for (file, (_, y)), inputs in aligned]
    if wishes.label and not others:
        _check_label(files, piles, wishes.label)
    found, parts = read_piles(in_one_name(piles, wishes), wishes)
    tables = iter(parts)
    domains = [
        _table_domain(file, next(tables), found)
        if isinstance(one, Pile)
        else _domain(file, *one, missing, Hints())
        for file, one in zip(files, read, strict=True)
    ]
    _check_one_kind(files, [domain.rows for domain in domains])
    return domains


def read_inputs(path: Path | str) -> Domain:
    """Read the inputs of one file or folder for a model, which knows how to read their cells.

    The cells of a table stay as they are written; labels are ignored.

    Raises
    ------
    FileError, DataError
        As :func:`read_domain`.
    """
    path = Path(path)
    read = _read(path, None)
    if not isinstance(read, Pile):
        return _domain(path, read[0], None, None, Hints())
    import pandas as pd

    frame = pd.DataFrame({name: cells.to_pandas() for name, cells in read.columns.items()})
    return _domain(path, FrameRows(frame), None, None, Hints())


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table."""
    return path.name.lower().endswith(TABLES)


def _read(path: Path, size: tuple[int, int] | None) -> Read:
    with named(path, "a file or a folder"):
        return _read_folder(path, size) if path.is_dir() else _read_file(path)


def _hints(
    label: str | Sequence[str] | None, missing: object, hints: Hints | None, schema: Schema | None
) -> Hints:
    """Join all that is said about tables."""
    hints = Hints() if hints is None else hints
    if label is not None:
        hints = replace(hints, label=(label,) if isinstance(label, str) else tuple(label))
    if missing != "auto" and hints.missing_label is None:
        hints = replace(hints, missing_label=("",) if missing is None else (str(missing),))
    return hints if schema is None else schema.completing(hints)


def _table_domain(path: Path, part: ReadPile, schema: Schema, name: str | None = None) -> Domain:
    """Return the domain of a table, or of the texts in its only column."""
    (only, *others) = schema.inputs
    rows: Rows = FrameRows(part.frame, {one: schema.columns[one] for one in schema.inputs})
    with named(path):
        if not others and schema.columns[only].kind == "text":
            rows = TextRows(part.frame[only].tolist(), str(only))
        return Domain(
            rows, part.y, missing=None, name=name or _called(path), schema=schema, **part.beside
        )


def _domain(
    path: Path, rows: Rows, y: Any, missing: object, hints: Hints, name: str | None = None
) -> Domain:
    """Return the domain of anything but a table, which hints on columns do not fit."""
    hints.check_names((), path.name)
    schema = None
    if hints.label_type is not None:
        schema = Schema({}, Labels((), hints.label_type))
    if hints.missing_label is not None:
        missing = _mark(hints.missing_label)
    with named(path):
        return Domain(rows, y, missing=missing, name=name or _called(path), schema=schema)


def _mark(marks: Sequence[str]) -> object:
    """Return the mark of missing labels among numbers; None where there is none."""
    named = [mark for mark in marks if mark]
    if len(named) > 1:
        raise ParameterError(f"missing_label must be one mark beside arrays; got {some(marks)}")
    return next((float(mark) if mark.lstrip("-").isdigit() else mark for mark in named), None)


def _called(path: Path) -> str:
    return path.name if path.is_dir() else path.name.split(".")[0] or path.name


def _read_folder(path: Path, size: tuple[int, int] | None) -> tuple[Rows, Any]:
    from fourfold.readers import pictures

    folder = Folder.open(path)
    images, sounds = folder.ending_in(pictures.endings()), folder.ending_in(SOUNDS)
    if images.paths and sounds.paths:
        raise DataError(
            f"{path} must hold pictures or sounds, not both; got {images.paths[0]} "
            f"and {sounds.paths[0]}"
        )
    if sounds.paths:
        from fourfold.readers.sounds import SoundRows

        return SoundRows(EncodedFiles(sounds.paths, "sound"), size), sounds.labels
    if images.paths:
        return pictures.PictureRows(EncodedFiles(images.paths, "picture"), size), images.labels
    written = folder.ending_in(texts.TEXTS)
    if written.paths:
        return texts.read_files(written.paths), written.labels
    raise DataError(
        f"{path} must hold pictures, sounds or texts ({', '.join(texts.TEXTS)}), in sub-folders or "
        "directly; there is none"
    )


def _read_file(path: Path) -> Read:
    file_size(path)  # report a missing file before an unknown ending
    if is_table(path):
        from fourfold.readers.tables import read_table

        return read_table(path)
    if path.name.lower().endswith(ARRAYS):
        from fourfold.readers.arrays import read_arrays

        return read_arrays(path)
    known = ", ".join((*TABLES, *ARRAYS))
    raise DataError(
        f"a file must end in one of {known}, or be a folder of pictures, sounds or texts"
    )


def _check_label(files: Sequence[Path], piles: Sequence[Pile], label: Sequence[str]) -> None:
    if not any(name in pile.columns for pile in piles for name in label):
        columns = sorted({str(name) for pile in piles for name in pile.columns})
        said = (
            f"the label column {label[0]!r} must be in at least one of {some(files)}; it is in "
            f"none, the columns are {some(columns)}"
        )
        raise DataError(one_line(said))


def _aligned(names: Names, rows: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Rows]:
    """Bring rows of one kind to one size."""
    if rows and isinstance(rows[0], DecodedRows):
        return list(rows[0].one_size(rows, size))
    _check_one_shape(names, rows)
    return list(rows)


def _aligned_with(like: Domain, path: Path, rows: Rows) -> Rows:
    """Bring the rows of one file to the columns or the size of another domain."""
    names = (like.name, path)
    _check_one_kind(names, [like.rows, rows])
    if isinstance(rows, DecodedRows):
        fitted = rows.fitting(like.rows.shape)
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
