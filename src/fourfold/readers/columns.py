"""Columns that a table may have: of plain cells, with different names, and not too many."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from fourfold.errors import DataError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MOST_COLUMNS",
    "check_count",
    "check_names",
    "check_schema",
    "is_text",
    "strange_columns",
]

MOST_COLUMNS: Final = 20_000
"""Largest number of columns of a table."""
MOST_SHOWN: Final = 3
PLAIN: Final = (
    *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    *(pa.types.is_temporal, pa.types.is_null),
)
"""Kinds of cells besides texts."""


def check_count(n: int) -> None:
    """Refuse a table of very many columns.

    Raises
    ------
    DataError
        If there are more than 20,000.
    """
    if n > MOST_COLUMNS:
        raise DataError(
            f"a table must have at most {MOST_COLUMNS} columns; got {n}: bring more as numbers in "
            "an .npy or .npz file, and sparse ones as a SciPy matrix in Python"
        )


def check_schema(schema: pa.Schema) -> None:
    """Refuse columns of lists, objects or bytes, and names that occur twice.

    Raises
    ------
    DataError
        If there are some.
    """
    check_count(len(schema))
    check_names(schema.names)
    bad = strange_columns(schema)
    if bad:
        kinds = some(one_line(schema.field(name).type, 40) for name in bad[:MOST_SHOWN])
        raise DataError(
            "a table's cells must be numbers, dates, booleans or texts; column"
            f"{'s' if len(bad) > 1 else ''} {some(map(repr, bad), MOST_SHOWN)} hold"
            f"{'' if len(bad) > 1 else 's'} {kinds}: leave out, drop={tuple(bad)}"
        )


def strange_columns(schema: pa.Schema) -> list[str]:
    """Return the names of columns of lists, objects or bytes."""
    return [field.name for field in schema if not _is_plain(field.type)]


def check_names(names: Sequence[str]) -> None:
    """Refuse names of columns that occur twice."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"column names must differ; got twice: {some(twice)}")


def is_text(kind: pa.DataType) -> bool:
    """Return whether cells are texts."""
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in texts)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return is_text(kind) or any(test(kind) for test in PLAIN)
