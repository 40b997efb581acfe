"""Conversion of inputs of any library to rows."""

from __future__ import annotations

from typing import Any

from fourfold.data.libraries import imported_classes
from fourfold.data.rows.array import ArrayRows, as_array
from fourfold.data.rows.base import Rows
from fourfold.data.rows.dataset import dataset_rows
from fourfold.data.rows.frame import FrameRows
from fourfold.data.rows.sparse import SparseRows
from fourfold.data.rows.text import TextRows, are_texts
from fourfold.errors import DataError

__all__ = ["as_rows"]


def as_rows(X: Any) -> Rows:
    """Wrap inputs of any library as Rows: see :class:`~fourfold.data.domain.Domain`.

    In a Hugging Face ``Dataset`` a column of arrays or pictures must be the only one, a single
    column of strings is texts, and other columns are a table.

    Raises
    ------
    DataError
        If it is none of these, has no rows, is 1-D but no texts, is not made of numbers, holds a
        missing or empty text, or is a dataset whose arrays have several shapes or stand beside
        other columns.
    """
    rows = _rows(X)
    if rows.n == 0:
        raise DataError("inputs must have at least one row; got 0 sample(s)")
    return rows


def _rows(X: Any) -> Rows:
    if isinstance(X, Rows):
        return X
    if isinstance(X, imported_classes("pandas", "DataFrame")):
        return FrameRows(X)
    if isinstance(X, imported_classes("scipy.sparse", "spmatrix", "sparray")):
        return SparseRows(X)
    if isinstance(X, imported_classes("datasets", "Dataset")):
        return dataset_rows(X)
    return TextRows(list(X)) if are_texts(X) else ArrayRows(as_array(X))
