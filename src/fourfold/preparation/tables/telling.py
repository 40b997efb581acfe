"""Columns of a table in words, as its preparation took them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.errors import some

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
    """Name the columns of numbers with outliers, in one note."""
    names = columns.plain
    said = {names[i]: limits.describe(i) for i in limits.limited[::-1]}  # the first part of a date
    found = [
        f"{name!r} ({said[name] if name in columns.numbers else 'dates'})"
        for name in dict.fromkeys(names[i] for i in limits.limited)
    ]
    if not found:
        return []
    return [f"For lines and networks columns with outliers have limits: {some(found)}."]
