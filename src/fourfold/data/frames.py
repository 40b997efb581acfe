"""Reading of the rows of a data frame by a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.data.rows import FrameRows

if TYPE_CHECKING:
    from fourfold.data.rows import Rows
    from fourfold.data.schema import Schema

__all__ = ["read_by"]


def read_by(schema: Schema, rows: Rows) -> tuple[Rows, Any, dict[str, Any]]:
    """Read rows by a schema: inputs, labels if it names them, and annotations.

    Raises
    ------
    DataError
        If a column is missing, or a label does not fit.
    """
    from fourfold.data.schema import as_pile

    read = schema.read(as_pile(rows.take(np.arange(rows.n)), "the table"))
    return FrameRows(read.frame, schema.kept_columns), read.y, read.beside
