"""Schema: how tables are read, the same for all piles and for the model's life."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from fourfold.core.atomic import whole_file
from fourfold.data.schema.cells import as_cells, missing_as_null, written
from fourfold.data.schema.column import Column
from fourfold.data.schema.hints import Hints, Note, Pile
from fourfold.data.schema.infer import infer_columns
from fourfold.data.schema.infer_labels import infer_labels
from fourfold.data.schema.labels import Labels
from fourfold.data.schema.remarks import remarks
from fourfold.errors import DataError, FileError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ReadPile", "Schema", "as_pile", "infer_schema", "read_piles"]

KEYWORDS: Final = {"group": "groups", "time": "time", "weight": "sample_weight", "id": "ids"}
"""Role → keyword of a Domain."""
ROLES: Final = tuple(KEYWORDS)


class ReadPile(NamedTuple):
    """A pile as it was read: inputs, labels, and what stands beside them."""

    frame: pd.DataFrame
    y: NDArray[Any] | None
    beside: dict[str, Any]
    """Keywords of a Domain: groups, time, sample_weight, ids."""


@final
@dataclass(frozen=True)
class Schema:
    """Kinds and forms of the columns of tables.

    Parameters
    ----------
    columns
        Name → column, of inputs and of those that are left out.
    labels
        Labels in columns; None without any.
    group, time, weight, id
        Columns of groups, moments, weights and names of rows.
    notes
        Remarks on what was uncertain.

    Examples
    --------
    >>> import pandas as pd
    >>> from fourfold.data.schema import Hints, as_pile, infer_schema
    >>> table = pd.DataFrame({"rate": ["1,5", "2,25"], "code": ["007", "010"]})
    >>> schema = infer_schema([as_pile(table, "rates")], Hints())
    >>> {name: column.kind for name, column in schema.columns.items()}
    {'code': 'category', 'rate': 'number'}
    """

    columns: Mapping[str, Column]
    labels: Labels | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    id: str | None = None
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def roles(self) -> dict[str, str]:
        """Role → column that stands beside inputs and labels."""
        return {role: getattr(self, role) for role in ROLES if getattr(self, role) is not None}

    @property
    def inputs(self) -> list[str]:
        """Names of the columns that are inputs, sorted."""
        beside = set(self.roles.values())
        used = [name for name, column in self.columns.items() if column.used and name not in beside]
        return sorted(used, key=str)

    def read(self, pile: Pile) -> ReadPile:
        """Read a pile.

        Raises
        ------
        DataError
            If it lacks a column, a label does not fit, or no column is an input.
        """
        lacking = [name for name in self.inputs if name not in pile.columns]
        if lacking:
            raise DataError(
                one_line(f"tables must have the same columns; {pile.name} lacks {some(lacking)}")
            )
        if not self.inputs:
            gone = some(f"{name} ({column.why})" for name, column in self.columns.items())
            raise DataError(
                one_line(f"a table must have a column to learn from; left out are {gone}")
            )
        frame = {
            name: self.columns[name].read(pile.columns[name], name).cells for name in self.inputs
        }
        y = None
        if self.labels is not None and any(name in pile.columns for name in self.labels.columns):
            gaps = [name for name in self.labels.columns if name not in pile.columns]
            if gaps:
                raise DataError(
                    f"{pile.name} must have all columns of labels, or none; it lacks {some(gaps)}"
                )
            y = self.labels.read(pile.columns)
        return ReadPile(pd.DataFrame(frame), y, self._beside(pile))

    def _beside(self, pile: Pile) -> dict[str, Any]:
        """Read the columns that stand beside inputs and labels; a pile may lack them."""
        return {
            KEYWORDS[role]: self.columns[name].read(pile.columns[name], name).cells
            for role, name in self.roles.items()
            if name in pile.columns
        }

    def completing(self, hints: Hints) -> Hints:
        """Return hints that this schema completes: what it describes is not inferred again."""
        labels = self.labels
        label = hints.label or (() if labels is None else labels.columns)
        roles = {role: getattr(hints, role) or getattr(self, role) for role in ROLES}
        said = {**self.columns, **hints.columns}
        free = {name for name in said if hints.kind(name) or name in hints.drop}
        return replace(
            hints,
            label=label,
            labels=labels if labels is not None and label == labels.columns else None,
            columns={name: column for name, column in said.items() if name not in free},
            **roles,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON."""
        labels = {} if self.labels is None else {"labels": self.labels.to_json()}
        columns = {name: column.to_json() for name, column in self.columns.items()}
        notes = [note.sentence for note in self.notes]
        return {"columns": columns, **labels, **self.roles, **({"notes": notes} if notes else {})}

    @classmethod
    def of_json(cls, said: Any) -> Schema:
        """Rebuild a schema from :meth:`to_json`, or from what somebody wrote.

        Raises
        ------
        DataError
            If it is no schema.
        """
        known = {"columns", "labels", "notes", *ROLES}
        if (
            not isinstance(said, dict)
            or not isinstance(said.get("columns"), dict)
            or set(said) - known
        ):
            raise DataError(
                'a schema must be {"columns": {name: {"kind": ...}}}, with labels, '
                f"{', '.join(ROLES)} where there are some; got {one_line(said, 60)}"
            )
        columns = {
            name: Column.of_json(name, column if isinstance(column, dict) else {})
            for name, column in said["columns"].items()
        }
        labels = None if "labels" not in said else Labels.of_json(said["labels"])
        return cls(columns, labels, **{role: said.get(role) for role in ROLES})

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read a schema from a JSON file.

        Raises
        ------
        FileError
            If it is missing or unreadable.
        DataError
            If it is no schema.
        """
        try:
            said = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise FileError(f"{path} must be a file of a schema; got: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} must be JSON; got: {error}") from error
        return cls.of_json(said)

    def save(self, path: Path) -> None:
        """Write the schema to a JSON file."""
        try:
            with whole_file(path) as part:
                part.write_text(json.dumps(self.to_json(), indent=1, ensure_ascii=False), "utf-8")
        except OSError as error:
            raise FileError(
                f"{path} must be writable for a schema; got: {error.strerror}"
            ) from error


def infer_schema(piles: Sequence[Pile], hints: Hints) -> Schema:
    """Infer the schema of tables, all together; labels may be missing in some of them.

    Raises
    ------
    DataError
        If tables have different columns, lack one that hints name, or a column cannot be used.
    """
    labels = infer_labels([pile.columns for pile in piles], hints)
    hints.check_names(name for pile in piles for name in pile.columns)
    beside = {*hints.label, *hints.roles.values(), *hints.drop}
    check_same_columns(piles, beside)
    columns, notes = infer_columns(piles, hints)
    if labels is not None:
        notes = [*labels[1], *notes, *_drop_equal(columns, piles, labels[0], hints)]
    return Schema(columns, labels and labels[0], **hints.roles, notes=tuple(notes))


def read_piles(piles: Sequence[Pile], hints: Hints) -> tuple[Schema, list[ReadPile]]:
    """Infer the schema of tables, read them by it, and note what did not fit."""
    schema = infer_schema(piles, hints)
    read = [schema.read(pile) for pile in piles]
    notes = (*schema.notes, *remarks(piles, [one.frame for one in read], schema.columns))
    return replace(schema, notes=notes), read


def as_pile(frame: pd.DataFrame, name: str) -> Pile:
    """Return a data frame as a pile.

    Raises
    ------
    DataError
        If a name occurs twice or is neither a string nor a whole number, or a column holds objects.
    """
    if not frame.columns.is_unique:
        raise DataError("a table's column names must differ; one occurs twice")
    if not all(isinstance(one, (str, int, np.integer)) for one in frame.columns):
        raise DataError(f"column names must be strings or whole numbers; got {some(frame.columns)}")
    plain = {one if isinstance(one, str) else int(one): frame[one] for one in frame.columns}
    return Pile(name, {one: as_cells(column, one) for one, column in plain.items()})


def check_same_columns(piles: Sequence[Pile], beside: Container[Any]) -> None:
    """Refuse tables of different columns, those beside inputs aside.

    Raises
    ------
    DataError
        If one lacks a column.
    """
    first, *others = piles
    for pile in others:
        gaps = [
            f"{where} lacks {some(lacking)}"
            for where, here, there in (
                (pile.name, pile.columns, first.columns),
                (first.name, first.columns, pile.columns),
            )
            if (lacking := sorted(str(n) for n in there if n not in here and n not in beside))
        ]
        if gaps:
            raise DataError(one_line(f"tables must have the same columns; {'; '.join(gaps)}"))


def _drop_equal(
    columns: dict[Any, Column], piles: Sequence[Pile], labels: Labels, hints: Hints
) -> list[Note]:
    """Leave out columns that equal the label in all its rows, and note them."""
    notes = []
    with_labels = [pile.columns for pile in piles if labels.columns[0] in pile.columns]
    answers = [written(missing_as_null(part[labels.columns[0]])) for part in with_labels]
    for name, column in columns.items():
        if not column.used or name in hints.keep or name in hints.columns or hints.kind(name):
            continue
        own = [written(missing_as_null(part[name])) for part in with_labels]
        same = [pc.equal(a, b) for a, b in zip(own, answers, strict=True)]
        n = sum(len(part) - part.null_count for part in same)
        if n and all(pc.all(part).as_py() is not False for part in same):
            columns[name] = replace(column, kind="ignored", why="equal to the label")
            notes.append(Note(name, "equal to the label in every row; left out", "keep", str(name)))
    return notes
