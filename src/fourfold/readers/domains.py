"""Domains from files and folders: one alone, or several that are used together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows, Rows, TextRows
from fourfold.data.schema import (
    Hints,
    Plain,
    Schema,
    check_label,
    in_one_name,
    infer_schema,
    label_notes,
    mark_of,
    read_piles,
    settle_plain,
)
from fourfold.errors import DataError, some
from fourfold.readers.files import named, short
from fourfold.readers.media.aligned import aligned, aligned_with, check_one_kind
from fourfold.readers.media.transcribed import as_speech, is_speech, speakers_of, transcript_hints
from fourfold.readers.parts import read_part, tell_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.schema import Pile, ReadPile
    from fourfold.readers.parts import Part

    Names = Sequence[Path | str]

__all__ = ["read_domain", "read_domains", "read_inputs"]


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
        Column of a table with the labels, or several; a table without it is unlabelled.
    size
        Height and width of pictures, or bands and frames of sounds; by default taken from the
        files. A frame is 10 ms; see :class:`~fourfold.readers.media.sounds.SoundRows`.
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
    part = read_part(Path(path), size, hints or Hints())
    beside = None if like is None else like.schema
    known = schema if schema is not None or part.pile is None else beside
    wishes = _hints(label, missing, hints, known)
    if part.pile is None and beside is not None and beside.labels is not None:
        wishes = replace(wishes, label_type=wishes.label_type or beside.labels.type)
    inputs = () if beside is None else beside.inputs
    with named(path):
        (domain,) = _domains([part], missing, wishes, inputs)
    if name is not None:
        domain.name = name
    if like is None:
        return domain
    domain = as_speech(domain) if like.rows.spoken else domain
    return domain.with_rows(aligned_with(like, part.path, domain.rows))


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
    wishes = _hints(label, missing, hints, schema)
    domains = _domains(tell_apart([read_part(f, size, wishes) for f in files]), missing, wishes)
    rows = [domain.rows for domain in domains]
    check_one_kind(files, rows)
    if rows and rows[0].kind == "table":
        return domains
    pairs = zip(domains, aligned(files, rows, size), strict=True)
    return [domain.with_rows(inputs) for domain, inputs in pairs]


def read_inputs(path: Path | str) -> Domain:
    """Read the inputs of one file or folder for a model, which knows how to read their cells.

    The cells of a table stay as they are written; labels are ignored.

    Raises
    ------
    FileError, DataError
        As :func:`read_domain`.
    """
    part = read_part(Path(path), None, None)
    with named(path):
        if part.rows is not None:
            return Domain(part.rows, name=part.called, ids=part.ids)
        import pandas as pd

        cells = {} if part.pile is None else part.pile.columns
        frame = pd.DataFrame({name: column.to_pandas() for name, column in cells.items()})
        return Domain(FrameRows(frame), name=part.called)


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


def _domains(
    parts: Sequence[Part], missing: object, hints: Hints, inputs: Sequence[Any] = ()
) -> list[Domain]:
    """Return the domains of parts: tables by one schema, with ``inputs`` if there is only one."""
    parts = _named_apart(parts)
    piles = [part.pile for part in parts if part.pile is not None]
    hints = hints.among(name for pile in piles for name in pile.columns)
    if any(part.rows is not None and part.rows.kind == "sounds" for part in parts):
        hints = transcript_hints(piles, hints)
    if hints.label and len(piles) == len(parts) > 1:
        check_label(piles, hints.label, some(part.path for part in parts))
    tables = [part for part in parts if part.rows is None and part.pile is not None]
    read: dict[Path, Domain] = {}
    if tables:
        own = [part.pile for part in tables if part.pile is not None]
        schema, found = read_piles(in_one_name(own, hints, inputs), hints)
        schema = schema.noting(label_notes(schema.columns, hints))
        pairs = zip(tables, found, strict=True)
        read = {part.path: _table_domain(part, one, schema) for part, one in pairs}
    elif piles:
        schema = _schema_beside(piles, hints)
        if any(part.y is not None for part in parts):
            schema = _with_names(schema, hints)
        read = {p.path: _listed_domain(p, schema) for p in parts if p.pile is not None}
    where = some(short(part.path) for part in parts)
    kinds = ["table" if part.rows is None else part.rows.kind for part in parts]
    hints.check_rows(kinds, where, columns=bool(piles))
    if not piles:
        hints.check_names((), where)
    read |= _other_domains([part for part in parts if part.path not in read], missing, hints)
    domains = [read[part.path] for part in parts]
    if not is_speech(domains, hints):
        return domains
    spoken = zip(parts, domains, strict=True)
    return [as_speech(one, speakers=speakers_of(part.pile)) for part, one in spoken]


def _named_apart(parts: Sequence[Part]) -> list[Part]:
    """Name tables in files of one name by their folders, too: old/data.csv and new/data.csv."""
    counts = Counter(part.pile.name for part in parts if part.pile is not None)
    apart = []
    for part in parts:
        pile = part.pile
        if pile is not None and counts[pile.name] > 1:
            pile = pile._replace(name=f"{part.path.parent.name}/{part.path.name}")
        apart.append(part._replace(pile=pile))
    return apart


def _table_domain(part: Part, read: ReadPile, schema: Schema) -> Domain:
    """Return the domain of a table, or of the texts in its only column."""
    (only, *others) = schema.inputs
    rows: Rows = FrameRows(read.frame, schema.kept_columns)
    with named(part.path):
        if not others and schema.columns[only].kind == "text":
            rows = TextRows(read.frame[only].tolist(), str(only))
        return Domain(rows, read.y, missing=None, name=part.called, schema=schema, **read.beside)


def _schema_beside(piles: Sequence[Pile], hints: Hints) -> Schema:
    """Return the schema of labels and annotations beside listed files; other columns are unused."""
    used = {*hints.label, *hints.roles.values()}
    others = [name for pile in piles for name in pile.columns if name not in used]
    beside = dict.fromkeys(others, "beside the files")
    schema = infer_schema(piles, replace(hints, ignore={**beside, **hints.ignore}))
    return schema.noting(label_notes(others, hints, beside_files=True))


def _with_names(schema: Schema, hints: Hints) -> Schema:
    """Return a schema whose labels are names, as those of folders are: digits, too."""
    labels = schema.labels
    if labels is None or hints.label_type not in {None, "classes"}:
        return schema
    return replace(schema, labels=replace(labels, type="classes", whole=False))


def _listed_domain(part: Part, schema: Schema) -> Domain:
    """Return the domain of files that a table lists."""
    if part.pile is None or part.rows is None:
        raise TypeError("listed files must have rows and a table; got one of them")
    with named(part.path):
        y, beside = schema.read_beside(part.pile)
        beside = {"ids": part.ids, **beside}
        return Domain(part.rows, y, missing=None, name=part.called, schema=schema, **beside)


def _other_domains(parts: Sequence[Part], missing: object, hints: Hints) -> dict[Path, Domain]:
    """Return the domains of anything but tables; their labels are of one type."""
    mark = mark_of(missing, hints)
    given = [Plain(short(part.path), part.y, mark) for part in parts if part.y is not None]
    settled, schema = settle_plain(given, hints)
    left = iter(settled)
    found: dict[Path, Domain] = {}
    for part in parts:
        y = None if part.y is None else next(left)
        with named(part.path):
            found[part.path] = Domain(
                _laid_out(part, hints),
                None if y is None else y.y,
                missing=mark if y is None else y.missing,
                name=part.called,
                schema=schema,
                ids=part.ids,
            )
    return found


def _laid_out(part: Part, hints: Hints) -> Rows:
    """Return rows of anything but a table, with the layout that is said."""
    if part.rows is None:
        raise TypeError("anything but a table must have rows; got none")
    if hints.layout is not None:
        if len(part.rows.shape) != 2 or part.rows.kind != "array":
            got = f"rows of shape {part.rows.shape}"
            raise DataError(f"{short(part.path)} must be (n, a, b) to have a layout; got {got}")
        part.rows.layout = hints.layout
    return part.rows
