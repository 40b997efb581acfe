"""Bytes of plain or gzipped tables, counted before they are parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from fourfold.core.memory import check_fits, memory_limit
from fourfold.readers.files import file_size, is_gzipped

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CELL_BYTES", "open_table"]

CELL_BYTES: Final = 24
"""Bytes for a cell: where it is parsed, in Arrow's column and in the data frame's."""
TEXT_BYTES: Final = 3
"""Bytes for a byte of text: as it was written, in Arrow's column and in the data frame's."""
CHUNK_BYTES: Final = 1 << 20


def open_table(path: Path, ends: str) -> pa.NativeFile:
    """Open a plain or gzipped table for Arrow, once it is known to fit.

    A file that could need too much memory is read once before, to count its cells. Arrow gets no
    object of Python's: its threads may hold one until the interpreter ends, which aborts.

    Parameters
    ----------
    path
        Plain or gzipped file.
    ends
        Characters that end a cell.

    Raises
    ------
    DataError
        If the table takes more memory than reading may.
    """
    compression = "gzip" if is_gzipped(path) else None
    limit = memory_limit()
    if compression or (CELL_BYTES + TEXT_BYTES) * file_size(path) > limit:
        with pa.input_stream(str(path), compression=compression) as stream:
            _check_memory(stream, ends, limit)
    return pa.input_stream(str(path), compression=compression)


def _check_memory(stream: pa.NativeFile, ends: str, limit: int) -> None:
    """Refuse a table that takes too much memory, as soon as its first bytes do."""
    cells = size = 0
    while content := stream.read(CHUNK_BYTES):
        codes = np.frombuffer(content, np.uint8)
        size += len(content)
        cells += sum(int(np.count_nonzero(codes == ord(end))) for end in ends)
        check_fits(CELL_BYTES * cells + TEXT_BYTES * size, "the table, unpacked,", limit)
