"""Bytes of plain or gzipped tables, counted while they are unpacked, before they are parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import pyarrow as pa

from fourfold.core.memory import check_fits, memory_limit
from fourfold.readers.files import file_size, is_gzipped

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CELL_BYTES", "table_source"]

CELL_BYTES: Final = 24
"""Bytes for a cell: where it is parsed, in Arrow's column and in the data frame's."""
TEXT_BYTES: Final = 3
"""Bytes for a byte of text: as it was written, in Arrow's column and in the data frame's."""


def table_source(path: Path, ends: str) -> Any:
    """Return a source of a table for Arrow: its path, or a stream that is counted.

    A plain file that cannot need too much memory is not counted.

    Parameters
    ----------
    path
        Plain or gzipped file.
    ends
        Characters that end a cell.

    Raises
    ------
    DataError
        While the stream is read, where the table takes more memory than reading may.
    """
    plain = not is_gzipped(path)
    if plain and (CELL_BYTES + TEXT_BYTES) * file_size(path) <= memory_limit():
        return str(path)
    return _Counted(path, ends)


@final
class _Counted:
    """A file for Arrow to read from."""

    def __init__(self, path: Path, ends: str) -> None:
        self.stream = pa.input_stream(str(path), compression="gzip" if is_gzipped(path) else None)
        self.ends = [ord(end) for end in ends]
        self.cells = self.size = 0
        self.limit = memory_limit()
        self.closed = False

    def read(self, n: int = -1) -> bytes:
        content: bytes = self.stream.read(n if n >= 0 else None)
        count = np.frombuffer(content, np.uint8)
        self.size += len(content)
        self.cells += sum(int(np.count_nonzero(count == end)) for end in self.ends)
        needed = CELL_BYTES * self.cells + TEXT_BYTES * self.size
        check_fits(needed, "the table, unpacked,", self.limit)
        return content

    def close(self) -> None:
        self.stream.close()
        self.closed = True
