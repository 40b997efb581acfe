"""Reading of tables by one schema, which is inferred over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from fourfold.data.schema.cells import missing_as_null, written
from fourfold.data.schema.hints import Hints
from fourfold.data.schema.inference.columns import infer_columns
from fourfold.data.schema.inference.gaps import absent_marks, gaps
from fourfold.data.schema.inference.labels import infer_labels
from fourfold.data.schema.inference.remarks import remarks
from fourfold.data.schema.inference.telling import telling
from fourfold.data.schema.notes import Note
from fourfold.data.schema.piles import Pile, as_pile, check_same_columns, check_there, named_apart
from fourfold.data.schema.schema import Schema
from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from fourfold.data.schema.column import Column
    from fourfold.data.schema.labels import Labels
    from fourfold.data.schema.schema import ReadPile

__all__ = ["infer_schema", "read_piles"]

HEAD: Final = 200
"""Rows that are compared with the label before all are."""


def infer_schema(tables: Sequence[Pile | pd.DataFrame], hints: Hints | None = None) -> Schema:
    """Infer the schema of tables, all together; labels may be missing in some of them.

    Parameters
    ----------
    tables
        Data frames, or piles as readers make them.
    hints
        All that is said about their columns, such as ``Hints(keep=("id",))``.

    Raises
    ------
    DataError
        If tables have different columns, lack one that hints name, or a column cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> from fourfold import Domain, Hints, infer_schema
    >>> table = pd.DataFrame({"id": range(30), "rate": ["1,5", "2,25", "3,0"] * 10})
    >>> infer_schema([table]).inputs, infer_schema([table], Hints(keep=("id",))).inputs
    (['rate'], ['id', 'rate'])
    >>> Domain(table, schema=infer_schema([table])).rows.take([1])
       rate
    1  2.25
    """
    hints = Hints() if hints is None else hints
    given = [one if isinstance(one, Pile) else as_pile(one, "table") for one in tables]
    piles = named_apart(given)
    labels = infer_labels(piles, hints)
    hints.check_names(name for pile in piles for name in pile.columns)
    described = {name for name, column in hints.columns.items() if column.used}
    for pile in piles:
        check_there(pile, described)
    beside = {*hints.label, *hints.roles.values(), *hints.drop, *hints.ignore}
    check_same_columns(piles, hints, beside)
    columns, notes = infer_columns(piles, hints)
    if labels is not None:
        notes = [*labels[1], *notes, *_drop_equal(columns, piles, labels[0], hints)]
        notes += telling(_open_columns(columns, hints), piles, labels[0])
    roles: dict[str, Any] = dict(hints.roles)
    own = [note for pile in piles for note in pile.notes]
    return Schema(columns, labels and labels[0], **roles, notes=(*own, *notes))


def read_piles(piles: Sequence[Pile], hints: Hints) -> tuple[Schema, list[ReadPile]]:
    """Infer the schema of tables, read them by it, and note the cells that do not fit."""
    for pile in piles:
        if not any(name not in hints.label for name in pile.columns):
            only = some(pile.columns)
            raise DataError(f"{pile.name} must have columns besides the label; got only {only}")
    piles = named_apart(piles)
    schema = infer_schema(piles, hints)
    read = [schema.read(pile) for pile in piles]
    unused = absent_marks(piles, schema.columns, hints.missing)
    notes = (*schema.notes, *remarks(piles, read, schema.columns), *unused)
    return replace(schema, notes=notes, gaps=gaps(piles, read, schema.columns)), read


def _open_columns(columns: Mapping[Any, Column], hints: Hints) -> list[Any]:
    """Return the columns that are inputs, but for those of which something is said."""
    said = {*hints.keep, *hints.columns, *hints.roles.values()}
    return [n for n, c in columns.items() if c.used and n not in said and not hints.kind(n)]


def _drop_equal(
    columns: dict[Any, Column], piles: Sequence[Pile], labels: Labels, hints: Hints
) -> list[Note]:
    """Leave out columns that equal the label in all its rows, and note them."""
    notes = []
    with_labels = [pile.columns for pile in piles if labels.columns[0] in pile.columns]
    answers = [written(missing_as_null(part[labels.columns[0]])) for part in with_labels]
    for name in _open_columns(columns, hints):
        first = [written(missing_as_null(part[name][:HEAD])) for part in with_labels]
        if any(
            pc.all(pc.equal(a, b[:HEAD])).as_py() is False
            for a, b in zip(first, answers, strict=True)
        ):
            continue
        own = [written(missing_as_null(part[name])) for part in with_labels]
        same = [pc.equal(a, b) for a, b in zip(own, answers, strict=True)]
        n = sum(len(part) - part.null_count for part in same)
        if n and all(pc.all(part).as_py() is not False for part in same):
            columns[name] = replace(columns[name], kind="ignored", why="equal to the label")
            notes.append(Note(name, "equal to the label in every row; left out", "keep", str(name)))
    return notes
