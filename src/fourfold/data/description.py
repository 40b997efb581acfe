"""Domains in words, by kinds of columns and labels, for the terminal and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.data.schema.cells import as_word
from fourfold.data.schema.dates import ISO, shown_format
from fourfold.data.schema.numbers import Form, shown_form
from fourfold.errors import called, counted, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.data.domain import Domain
    from fourfold.data.schema import Column, Note, Schema

__all__ = ["all_notes", "describe_labels", "describe_reading", "describe_schema"]

TITLES: Final = {"number": "numbers", "category": "categories", "date": "dates", "text": "texts"}
SHOWN: Final = 12
CLASSES: Final = 6


def describe_reading(domains: Sequence[Domain]) -> tuple[dict[str, str], list[str]]:
    """Return the columns and labels of domains in words, and remarks on doubtful ones."""
    groups: dict[str, list[Domain]] = {}
    for domain in domains:
        labels = None if domain.schema is None else domain.schema.labels
        groups.setdefault("" if labels is None else ", ".join(labels.columns), []).append(domain)
    said = {name: describe_labels(group) for name, group in groups.items()}
    lines = {f"label {name}".rstrip(): text for name, text in said.items() if text}
    notes = []
    for schema in _schemas(domains):
        lines |= dict(describe_schema(schema))
        notes += [note.sentence for note in schema.notes]
    return lines, list(dict.fromkeys(notes))


def all_notes(domains: Sequence[Domain]) -> list[Note]:
    """Return the remarks of all schemas of these domains."""
    return list(dict.fromkeys(note for schema in _schemas(domains) for note in schema.notes))


def _schemas(domains: Sequence[Domain]) -> list[Schema]:
    return list({id(d.schema): d.schema for d in domains if d.schema is not None}.values())


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
    missing = [f"{called(name)} ({cells})" for name, cells in schema.gaps.items()]
    lines += [("missing", some(missing, SHOWN))] if missing else []
    gone = [
        f"{called(name)} ({column.why})" if column.why else called(name)
        for name, column in schema.columns.items()
        if not column.used and name not in roles
    ]
    return [*lines, *([("left out", some(gone, SHOWN))] if gone else [])]


def describe_labels(domains: Iterable[Domain]) -> str:
    """Return the labels of several domains in words; empty without any."""
    labelled = [domain for domain in domains if domain.n_labelled]
    if not labelled:
        return ""
    first = labelled[0]
    if first.rows.spoken:
        n = sum(domain.n_labelled for domain in labelled)
        return f"{counted(n, 'transcript')}, compared in lower case and without punctuation"
    width = first.known.shape[1] if first.known.ndim > 1 else 1
    if width > 1:
        numbers = any(
            d.schema and d.schema.labels and d.schema.labels.type == "numbers" for d in labelled
        )
        yes_no = not numbers and np.isin(np.nan_to_num(first.known.astype(float)), (0, 1)).all()
        return f"{width} {'answers of yes and no' if yes_no else 'numbers'} a row"
    schema = first.schema
    if all(domain.measured for domain in labelled):
        low, high = min(d.known.min() for d in labelled), max(d.known.max() for d in labelled)
        signs = "" if schema is None or schema.labels is None else shown_form(schema.labels.form)
        return f"numbers from {low:g} to {high:g}{f' ({signs})' if signs else ''}"
    labels = {label for domain in labelled for label in domain.counts}
    classes = list(dict.fromkeys(map(as_word, sorted(labels, key=_in_order))))
    return f"{counted(len(classes), 'class')}, {some(classes, CLASSES)}"


def _in_order(label: Any) -> tuple[bool, float, str]:
    """Order numbers by value, and names after them."""
    return (True, 0.0, label) if isinstance(label, str) else (False, float(label), "")


def _column(name: Any, column: Column) -> str:
    """Name a column, with the form of its cells."""
    form = []
    if column.kind == "number":
        signs = shown_form(Form(column.decimal, column.thousands, column.unit))
        form += [signs] if signs else []
    if column.kind == "date" and column.format != ISO:
        form.append(shown_format(column.format))
    shown = repr(name) if "," in str(name) else called(name)
    return f"{shown} ({', '.join(form)})" if form else shown
