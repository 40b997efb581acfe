"""Tables of one JSON object per line, parsed by Arrow after a look at their depth and keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from fourfold.core.memory import check_fits
from fourfold.errors import DataError
from fourfold.readers.columns import check_count
from fourfold.readers.files import decoding, open_bytes, open_text, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_json_lines"]

LONGEST: Final = 1 << 26
"""Longest line, in bytes: 64 MB."""
BLOCK: Final = 1 << 20
"""Bytes that are looked at, and parsed, at once."""
DEEPEST: Final = 100
"""Deepest nesting that is parsed, though no cell may be nested: Arrow recurses."""
SPARSEST: Final = 100
"""Largest number of cells, most of them missing, for each byte of a file."""
FEW_CELLS: Final = 10**7
OPEN, CLOSE = ord("["), ord("]")
CELL_BYTES: Final = 24
TEXT_BYTES: Final = 4
STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
KEY: Final = re.compile(rb'[{,]\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*:', re.DOTALL)


def read_json_lines(path: Path) -> pa.Table:
    """Read one object per line, in UTF-8.

    Raises
    ------
    DataError
        If a line is not an object or nested deeply, if there are very many keys, or if the table
        takes more memory than reading may.
    """
    content = _content(path)
    longest = _check(content)
    try:
        options = pa_json.ReadOptions(block_size=max(BLOCK, longest + 2))
        table = pa_json.read_json(pa.BufferReader(content), options)
        table.validate(full=True)  # Arrow does not check the encoding before
        table.schema.names  # noqa: B018  nor that of names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        _explain(path)
        raise DataError(f"the file must hold one object per line; got: {reason(error)}") from error
    return table


def _content(path: Path) -> bytes:
    """Read all bytes, unpacked."""
    parts, size = [], 0
    with decoding(), open_bytes(path) as file:
        while part := file.read(BLOCK):
            parts.append(part)
            size += len(part)
            check_fits(TEXT_BYTES * size, "the table, unpacked,")
    return b"".join(parts)


def _check(content: bytes) -> int:
    """Refuse deep nesting and too many cells; return the length of the longest line."""
    keys: set[bytes] = set()
    depth = lines = longest = 0
    for block in _blocks(content):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
        longest = max(longest, int(np.diff(ends, prepend=-1, append=len(block)).max()))
        depth = _check_depth(block, depth, lines + 1)
        keys.update(KEY.findall(block))
        check_count(len(keys))
        lines += len(ends)
    cells = (lines + 1) * len(keys)
    if cells > SPARSEST * len(content) + FEW_CELLS:
        raise DataError(
            f"a table must have cells in its columns; got {len(keys)} keys in {lines} lines, most of "
            "them in few: bring sparse data as a SciPy matrix in Python"
        )
    check_fits(CELL_BYTES * cells + TEXT_BYTES * len(content), "the table, unpacked,")
    return longest


def _blocks(content: bytes) -> Iterator[bytes]:
    """Yield blocks of whole lines."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + BLOCK) + 1 or len(content)
        yield content[start:end]
        start = end


def _check_depth(block: bytes, depth: int, first: int) -> int:
    """Refuse deep nesting in lines that begin at a depth; return the depth at their end."""
    depths = depth + _depths(block)
    if depths.max(initial=depth) <= DEEPEST and not depths[-1:].any():
        return 0 if len(depths) else depth
    for number, line in enumerate(block.split(b"\n"), start=first):
        depths = depth + _depths(STRING.sub(b"", line))  # brackets in texts do not count
        if depths.max(initial=0) > DEEPEST:
            raise DataError(f"line {number} must hold cells; got lists or objects too deep")
        depth = int(depths[-1]) if len(depths) else depth
    return depth


def _depths(block: bytes) -> NDArray[np.int64]:
    """Return the depth after each bracket, relative to the begin."""
    kind = np.frombuffer(block, np.uint8) & 0xDF  # "[" is "{" in upper case, "]" is "}"
    brackets = kind[(kind == OPEN) | (kind == CLOSE)]
    return np.cumsum(np.where(brackets == OPEN, 1, -1))


def _explain(path: Path) -> None:
    """Raise the error for the first bad line."""
    line = 0
    try:
        with decoding(), open_text(path) as file:
            for line, content in enumerate(file, start=1):
                got = content.strip()
                # int() refuses thousands of digits
                if got and not isinstance(json.loads(content, parse_int=float), dict):
                    raise DataError(f"line {line} must be an object, {{...}}; got {got:.40}")
    except json.JSONDecodeError as error:
        raise DataError(f"line {line} must be JSON; got: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"line {line} must hold cells; got lists or objects too deep") from error
    if not line:
        raise DataError("a table must have at least one row; got none")
