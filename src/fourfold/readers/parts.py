"""Parts: the content of one file or folder, before it is settled with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fourfold.errors import DataError
from fourfold.readers.content import check_content, held
from fourfold.readers.files import file_size, named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.data.schema import Hints, Pile

__all__ = ["Part", "is_rows", "is_table", "read_part", "tell_apart"]

TABLES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet", ".xlsx")
ARRAYS = (".npz", ".npy")


class Part(NamedTuple):
    """Content of one file or folder.

    Attributes
    ----------
    path
        The file or folder.
    pile
        Columns of a table, or those beside the names of listed files; None without any.
    rows
        Rows of anything but a table; None for a table.
    y, ids
        Labels and names of these rows, (n,), where they have some.
    inside
        Folder that tells it from others of its name.
    """

    path: Path
    pile: Pile | None = None
    rows: Rows | None = None
    y: Any = None
    ids: NDArray[Any] | None = None
    inside: str = ""

    @property
    def called(self) -> str:
        """Name of the folder, or of the file without its ending."""
        name = self.path.name
        own = name if self.path.is_dir() else name.split(".")[0] or name
        return f"{self.inside}/{own}" if self.inside else own


def read_part(path: Path, size: tuple[int, int] | None, hints: Hints | None) -> Part:
    """Read one file or folder; of a table without the columns that hints drop.

    Raises
    ------
    FileError, DataError
        If it is missing, unreadable or of an unknown kind.
    """
    with named(path, "a file or a folder"):
        read = _read_folder if path.is_dir() else _read_file
        return read(path, size, hints)


def tell_apart(parts: Sequence[Part]) -> list[Part]:
    """Name parts of one name by their folders, too, where these differ: ``a/train``."""
    folders = [part.path.resolve().parent.name for part in parts]
    alike: dict[str, set[str]] = {}
    for part, folder in zip(parts, folders, strict=True):
        alike.setdefault(part.called, set()).add(folder)
    pairs = zip(parts, folders, strict=True)
    return [p._replace(inside=f) if len(alike[p.called]) > 1 else p for p, f in pairs]


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table."""
    return path.name.lower().endswith(TABLES)


def is_rows(path: Path) -> bool:
    """Return whether the name of a file is that of a table or of arrays, read with others."""
    return path.name.lower().endswith((*TABLES, *ARRAYS))


def _read_folder(path: Path, size: tuple[int, int] | None, hints: Hints | None) -> Part:
    from fourfold.readers.media.folders import read_folder, rows_of
    from fourfold.readers.media.listed import find_list
    from fourfold.readers.media.ljspeech import read_ljspeech

    table = find_list(path)
    spoken = None if table is None else read_ljspeech(table)
    if spoken is not None:
        return Part(path, spoken.pile, rows_of(spoken.files, size), None, spoken.names)
    listed = None if table is None else _read_file(table, size, hints)
    if listed is not None and listed.rows is not None:
        return listed._replace(path=path)
    rows, y, ids = read_folder(path, size)
    return Part(path, None, rows, y, ids)


def _read_file(path: Path, size: tuple[int, int] | None, hints: Hints | None) -> Part:
    file_size(path)  # report a missing file before an unknown ending
    if is_table(path):
        return _read_table(path, size, hints)
    if path.name.lower().endswith(ARRAYS):
        check_content(path)
        from fourfold.readers.arrays import read_arrays

        rows, y = read_arrays(path)
        return Part(path, None, rows, y)
    from fourfold.readers.media.folders import is_item, rows_of

    if is_item(path, texts_too=False):  # a text alone may be any table
        return Part(path, None, rows_of([path], size), None, np.array([path.name], object))
    found = held(path)
    raise DataError(
        "a file must end in one of .csv, .tsv, .jsonl (each also .gz), .parquet, .xlsx, .npz, "
        ".npy, be a picture or a sound, or be a folder of pictures, sounds or texts"
        f"{f'; it holds {found}' if found else ''}"
    )


def _read_table(path: Path, size: tuple[int, int] | None, hints: Hints | None) -> Part:
    """Read a table, or the files that it lists."""
    from fourfold.readers.media.listed import read_listed
    from fourfold.readers.tables import read_table

    pile = read_table(path, hints)
    files = read_listed(path, pile.columns, size)
    if files is None:
        return Part(path, pile)
    beside = {name: cells for name, cells in pile.columns.items() if name != files.column}
    return Part(path, pile._replace(columns=beside), files.rows, None, files.names)
