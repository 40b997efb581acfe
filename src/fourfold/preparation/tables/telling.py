"""Columns of a table in words, as its preparation took them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.preparation.tables.columns import ColumnKinds
    from fourfold.preparation.tables.limits import Limits
    from fourfold.preparation.tables.target_encoding import LabelMeans

__all__ = ["described", "limit_notes", "wide_notes"]


def described(columns: ColumnKinds) -> str:
    """Count the columns of each kind: 2 numbers, 1 category column."""
    kinds = {
        "number": columns.numbers,
        "date": columns.dates,
        "category column": columns.categories,
        "text column": columns.text,
    }
    counts = [
        f"{len(names)} {kind}{'s' if len(names) > 1 else ''}"
        for kind, names in kinds.items()
        if names
    ]
    return ", ".join(counts)


def wide_notes(
    columns: ColumnKinds, wide: Mapping[int, int], most: int, means: LabelMeans | None
) -> list[str]:
    """Name the columns of more categories than have features of their own."""
    encoded = "" if means is None else "; all are encoded by their mean labels, too"
    return [
        f"Column {columns.categories[i]!r} has {n:,} categories: the {most - 1} most frequent have "
        f"a feature each, and the others share one (max_categories={most}){encoded}."
        for i, n in wide.items()
    ]


def limit_notes(columns: ColumnKinds, limits: Limits) -> list[str]:
    """Name the columns of numbers with outliers."""
    names = columns.plain
    found = dict.fromkeys(names[i] for i in limits.limited)  # parts of a date have one name
    said = {names[i]: limits.describe(i) for i in limits.limited[::-1]}
    return [
        f"Column {name!r} holds outliers: for lines and networks "
        + (f"{said[name]}." if name in columns.numbers else "its dates have limits.")
        for name in found
    ]
