"""Tables of one JSON object per line, parsed by Arrow after a look at their depth and keys."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from fourfold.core.memory import check_fits
from fourfold.errors import DataError
from fourfold.readers.columns import check_count
from fourfold.readers.files import decoding, open_bytes, open_text, reason
from fourfold.readers.unpacking import CELL_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_json_lines"]

BLOCK: Final = 1 << 20
"""Bytes that are looked at, and parsed, at once."""
DEEPEST: Final = 100
"""Deepest nesting that is parsed, though no cell may be nested: Arrow recurses."""
SPARSEST: Final = 100
"""Largest number of cells, most of them missing, for each byte of a file."""
FEW_CELLS: Final = 10**7
OPEN, CLOSE = ord("["), ord("]")
TEXT_BYTES: Final = 4
STRING: Final = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?')
"""A text, perhaps without an end, in a line."""
KEY: Final = re.compile(rb'[{,]\s*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:')
AFTER: Final = re.compile(rb"\}[ \t\r]*+[^\s,}\]]")
"""Something after an object in its line."""


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
    return b"".join(parts).removeprefix(BOM_UTF8)


def _check(content: bytes) -> int:
    """Refuse deep nesting and too many cells; return the length of the longest line."""
    keys: set[bytes] = set()
    depth = lines = longest = 0
    for block in _blocks(content):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
        longest = max(longest, int(np.diff(ends, prepend=-1, append=len(block)).max()))
        _check_begins(block, ends, lines + 1)
        depth = _check_depth(block, depth, lines + 1)
        keys.update(KEY.findall(block))
        check_count(len(keys))
        lines += len(ends)
    cells = (lines + 1) * len(keys)
    if cells > SPARSEST * len(content) + FEW_CELLS:
        raise DataError(
            f"a table must have cells in its columns; got {len(keys)} keys in {lines} lines, most "
            "in few of them: bring sparse data as a SciPy matrix in Python"
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


def _check_begins(block: bytes, ends: NDArray[np.intp], first: int) -> None:
    """Refuse lines that do not begin as objects: Arrow crashes at some of them."""
    starts, ends = np.append(0, ends + 1), np.append(ends, len(block))
    begins = np.frombuffer(block + b"\n", np.uint8)[starts]
    for at in np.flatnonzero((begins != ord("{")) & (begins != ord("\n"))):
        line = block[starts[at] : ends[at]].strip()
        if line and not line.startswith(b"{"):
            raise _no_object(first + int(at), line)


def _check_depth(block: bytes, depth: int, first: int) -> int:
    """Refuse deep nesting, and anything after an object; return the depth behind the block."""
    _, depths = _depths(block, depth)
    if depths.max() <= DEEPEST and depths[-1] == 0 and not AFTER.search(block):
        return 0
    block = STRING.sub(b'""', block)  # brackets in texts do not count
    if after := AFTER.search(block):
        number = block.count(b"\n", 0, after.start())
        raise _no_object(first + number, block.split(b"\n")[number])
    places, depths = _depths(block, depth)
    if depths.max() > DEEPEST:
        number = first + block.count(b"\n", 0, int(places[np.argmax(depths > DEEPEST) - 1]))
        raise DataError(f"line {number} must hold cells; got lists or objects too deep")
    return int(depths[-1])


def _no_object(number: int, line: bytes) -> DataError:
    got = line.strip()[:40].decode("utf-8", "replace")
    return DataError(f"line {number} must be an object, {{...}}; got {got}")


def _depths(block: bytes, before: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the places of brackets, and the depths before all of them and after each."""
    kind = np.frombuffer(block, np.uint8) & 0xDF  # "[" is "{" in upper case, "]" is "}"
    places = np.flatnonzero((kind == OPEN) | (kind == CLOSE))
    return places, np.cumsum(np.append(before, np.where(kind[places] == OPEN, 1, -1)))


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
