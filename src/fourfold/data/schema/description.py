"""A schema in words: a line for each kind of column, for the terminal and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.data.schema.dates import ISO, shown_format
from fourfold.errors import some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fourfold.data.domain import Domain
    from fourfold.data.schema.column import Column
    from fourfold.data.schema.schema import Schema

__all__ = ["describe_labels", "describe_schema"]

TITLES: Final = {"number": "numbers", "category": "categories", "date": "dates", "text": "texts"}
SHOWN: Final = 12
CLASSES: Final = 6


def describe_schema(schema: Schema) -> list[tuple[str, str]]:
    """Return the kinds of columns, each with its columns in words."""
    roles = set(schema.roles.values())
    lines = []
    for kind, title in TITLES.items():
        columns = {
            name: column
            for name, column in schema.columns.items()
            if column.kind == kind and name not in roles
        }
        if columns:
            shown = [_column(name, column) for name, column in columns.items()]
            lines.append((f"{title} ({len(columns)})", some(shown, SHOWN)))
    lines += [(role, name) for role, name in schema.roles.items()]
    gone = [
        f"{name} ({column.why})" if column.why else str(name)
        for name, column in schema.columns.items()
        if not column.used and name not in roles
    ]
    return [*lines, *([("left out", some(gone, SHOWN))] if gone else [])]


def describe_labels(domains: Iterable[Domain]) -> str:
    """Return the labels of several domains in words; empty without any."""
    labelled = [domain for domain in domains if domain.n_labelled]
    if not labelled:
        return ""
    known = next((d.schema.labels for d in labelled if d.schema and d.schema.labels), None)
    named = "" if known is None or not known.columns else f"{', '.join(known.columns)}: "
    first = labelled[0]
    width = first.known.shape[1] if first.known.ndim > 1 else 1
    if width > 1:
        yes_no = known is not None and known.type == "yes-no"
        return f"{named}{width} {'answers of yes and no' if yes_no else 'values'} a row"
    if any(domain.measured for domain in labelled):
        low, high = min(d.known.min() for d in labelled), max(d.known.max() for d in labelled)
        return f"{named}numbers from {low:g} to {high:g}"
    classes = {str(label) for domain in labelled for label in domain.counts}
    return f"{named}{len(classes)} classes, {some(sorted(classes), CLASSES)}"


def _column(name: Any, column: Column) -> str:
    """Name a column, with the form of its cells."""
    form = []
    if column.kind == "number":
        form += ["decimal comma"] if column.decimal == "," else []
        form += [f"thousands {column.thousands!r}"] if column.thousands else []
        form += [column.unit] if column.unit else []
    if column.kind == "date" and column.format != ISO:
        form.append(shown_format(column.format))
    return f"{name} ({', '.join(form)})" if form else str(name)
