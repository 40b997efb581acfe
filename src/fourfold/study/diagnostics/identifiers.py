"""Identifiers with many rows each: rows that folds divide, where no groups are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from fourfold.data.rows import FrameRows
from fourfold.data.schema.identifiers import is_named_individual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourfold.data.domain import Domain

__all__ = ["repeated_identifiers"]

CODE: Final = re.compile(r"[^\W\d_]{0,6}[-_ ]?\d+[-_ ]?[^\W\d_]?")
"""A code: maybe some letters, then digits."""
FEWEST: Final = 5
"""Values that a column of codes must have."""


def repeated_identifiers(domain: Domain) -> list[str]:
    """List the identifiers that labelled rows repeat, a sentence each; none where groups are given.

    Names of rows are identifiers; so are columns of texts or whole numbers with such a name, and
    columns of codes with letters and digits. Half of the rows must share their value with another.

    Examples
    --------
    >>> from fourfold import Domain
    >>> table = pd.DataFrame({"patient": ["p1", "p1", "p2", "p2"], "age": [61.0, 62.5, 33.0, 34.1]})
    >>> repeated_identifiers(Domain(table, [0, 1, 1, 0]))  # doctest: +NORMALIZE_WHITESPACE
    ["4 labelled rows are of 2 values of 'patient': give groups if rows of one value must not be
    both learnt from and judged."]
    """
    if domain.annotations.groups is not None:
        return []
    found = []
    for name, values in _identifiers(domain):
        known = pd.Series(values)[domain.labelled].dropna()
        n, kinds = len(known), known.nunique()
        if kinds > 1 and known.duplicated(keep=False).mean() >= 0.5:
            found.append(
                f"{n} labelled rows are of {kinds} values of {name}: give groups if rows of one "
                "value must not be both learnt from and judged."
            )
    return found


def _identifiers(domain: Domain) -> Iterator[tuple[str, Any]]:
    """Yield the names and values, (n,), of identifiers."""
    if domain.annotations.ids is not None:
        yield "the names of rows", domain.annotations.ids
    if isinstance(domain.rows, FrameRows):
        frame = domain.rows.frame
        for place, name in enumerate(frame.columns):
            column = frame.iloc[:, place].reset_index(drop=True)
            if _identifies(str(name), column):
                yield repr(name), column.to_numpy(object)


def _identifies(name: str, column: pd.Series[Any]) -> bool:
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    numbers = pd.api.types.is_numeric_dtype(column)
    known = column.dropna()
    if numbers and (known % 1 != 0).any():
        return False
    if is_named_individual(name):
        return True
    if numbers:
        return False
    kinds = known.astype(str).unique()
    return len(kinds) >= FEWEST and all(
        CODE.fullmatch(one) and not one.isdecimal() for one in kinds
    )
