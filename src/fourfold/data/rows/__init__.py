"""Rows: inputs of any library, read when needed.

One file holds one kind of storage; a new kind subclasses ``Rows`` and is recognized by ``as_rows``.
"""

from fourfold.data.rows.array import ArrayRows, check_finite
from fourfold.data.rows.base import (
    BLOCK_BYTES,
    KEY,
    Index,
    Keys,
    Layout,
    Rows,
    common_white,
    hash_blocks,
    hash_contents,
)
from fourfold.data.rows.converted import ConvertedRows
from fourfold.data.rows.dataset import DatasetRows
from fourfold.data.rows.frame import FrameRows
from fourfold.data.rows.recognize import as_rows
from fourfold.data.rows.sparse import SparseRows
from fourfold.data.rows.stacked import PickedRows, StackedRows
from fourfold.data.rows.text import TextRows

__all__ = [
    "BLOCK_BYTES",
    "KEY",
    "ArrayRows",
    "ConvertedRows",
    "DatasetRows",
    "FrameRows",
    "Index",
    "Keys",
    "Layout",
    "PickedRows",
    "Rows",
    "SparseRows",
    "StackedRows",
    "TextRows",
    "as_rows",
    "check_finite",
    "common_white",
    "hash_blocks",
    "hash_contents",
]
