"""Tables in Parquet files, by Arrow's schema alone and not by the notes of pandas."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fourfold.core.memory import check_fits, memory_limit
from fourfold.readers.columns import check_count, check_schema, is_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

__all__ = ["column_names", "read_parquet", "read_schema"]

INDEX: Final = re.compile(r"__index_level_\d+__")
"""Names by which pandas stores an index without a name."""
COPIES: Final = 2
"""Copies of a table while it becomes a data frame."""


def read_parquet(
    path: Path, columns: Sequence[str] | None = None, *, left: Collection[str] = ()
) -> pa.Table:
    """Read some columns, by default all but the index of a data frame and those that are left out.

    The rows and the sizes of pages that the file declares are compared with the memory that reading
    may take. Few bytes may stand for very many copies of one long text: where they may, texts are
    read as references to it, and unpacked if they fit.

    Raises
    ------
    DataError
        If the columns cannot be used, or take too much memory.
    """
    with _open(path) as file:
        declared = _Declared(file, columns, left)
        check_fits(declared.least, "the table, unpacked,")
        repeated = declared.repeated(path)
        table = None if repeated else file.read(declared.schema.names)
    if table is None:
        with _open(path, repeated) as file:
            table = file.read(declared.schema.names)
        unpacked = sum(_unpacked_bytes(table.column(name)) for name in repeated)
        check_fits(COPIES * (table.nbytes + unpacked), "the table, unpacked,")
        table = table.cast(declared.schema.with_metadata(table.schema.metadata))
    table.validate(full=True)  # Arrow does not check the encoding before
    unnamed = _index(table) if columns is None else []
    return table.drop_columns(unnamed).replace_schema_metadata(None)


def column_names(path: Path) -> list[str]:
    """Return the names of all columns."""
    names: list[str] = read_schema(path).names
    return names


def read_schema(path: Path) -> pa.Schema:
    """Return the names and types of all columns."""
    with _open(path) as file:
        check_count(file.metadata.num_columns)
        return file.schema_arrow


def _open(path: Path, read_dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a file whose pages are compared with their checksums, where they have any."""
    return pq.ParquetFile(
        path, read_dictionary=list(read_dictionary), page_checksum_verification=True
    )


@final
class _Declared:
    """Sizes that a file declares for some of its columns, or all.

    Of row groups only their totals are read: Arrow ends the process at some damaged columns.
    """

    def __init__(
        self, file: pq.ParquetFile, columns: Sequence[str] | None, left: Collection[str]
    ) -> None:
        data = file.metadata
        check_count(data.num_columns)
        whole: pa.Schema = file.schema_arrow
        self.schema = pa.schema(
            field
            for field in whole
            if field.name not in left and (not columns or field.name in columns)
        )
        check_schema(self.schema)
        groups = [data.row_group(at) for at in range(data.num_row_groups)]
        self.rows: list[int] = [group.num_rows for group in groups]
        self.pages = sum(int(group.total_byte_size) for group in groups)

    @property
    def least(self) -> float:
        """Bytes of the columns if no text is repeated."""
        widths: float = sum(map(_width, self.schema.types))
        return COPIES * sum(self.rows) * widths + self.pages

    def repeated(self, path: Path) -> list[str]:
        """Return the columns of texts that may be too long when they are unpacked."""
        texts = [field.name for field in self.schema if is_text(field.type)]
        room = memory_limit() / COPIES - self.pages
        if len(texts) * sum(self.rows) * self.pages <= room:
            return []
        longest = dict.fromkeys(texts, 0)
        with _open(path, texts) as file:
            for at, rows in enumerate(self.rows):
                if rows:  # its first comes with all texts that are repeated
                    first = next(file.iter_batches(1, [at], texts))
                    for name in texts:
                        lengths = pc.binary_length(first.column(name).dictionary)
                        longest[name] += rows * (pc.max(lengths).as_py() or 0)
        if sum(longest.values()) <= room:
            return []
        return [name for name in texts if longest[name] > room / len(texts)]


def _width(kind: pa.DataType) -> float:
    """Return the bytes of a cell, or of a reference to its text."""
    if pa.types.is_dictionary(kind):
        return _width(kind.index_type)
    return 8 if is_text(kind) or pa.types.is_null(kind) else float(kind.bit_width) / 8


def _unpacked_bytes(column: pa.ChunkedArray) -> int:
    """Return the bytes of texts that are stored as references."""
    return sum(
        pc.sum(pc.take(pc.binary_length(part.dictionary), part.indices)).as_py() or 0
        for part in column.chunks
    )


def _index(table: pa.Table) -> list[str]:
    """Return the columns that pandas stored as the index of a data frame."""
    names = {name for name in table.column_names if INDEX.fullmatch(name)}
    with suppress(KeyError, RecursionError, TypeError, ValueError):  # damaged notes say nothing
        noted = json.loads((table.schema.metadata or {})[b"pandas"])["index_columns"]
        names |= {name for name in noted if isinstance(name, str)}
    return [name for name in table.column_names if name in names]
