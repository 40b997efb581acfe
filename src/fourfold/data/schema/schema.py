"""Schema: how tables are read, the same for all piles and for the model's life."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, final

from fourfold.data.schema.column import NAMES_ROWS, Column, Odd
from fourfold.data.schema.labels import Labels
from fourfold.data.schema.piles import check_there
from fourfold.errors import DataError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.data.schema.hints import Hints
    from fourfold.data.schema.notes import Note
    from fourfold.data.schema.piles import Pile

__all__ = ["ReadPile", "Schema"]

KEYWORDS: Final = {"group": "groups", "time": "time", "weight": "sample_weight", "id": "ids"}
"""Role → keyword of a Domain."""
ROLES: Final = tuple(KEYWORDS)


class ReadPile(NamedTuple):
    """A pile that was read: inputs, labels, and annotations beside them."""

    frame: pd.DataFrame
    y: NDArray[Any] | None
    beside: dict[str, Any]
    """Keywords of a Domain: groups, time, sample_weight, ids."""
    odd: dict[Any, Odd]
    """Column → its cells that do not fit."""


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
    layout
        Layout of arrays (n, a, b), ``"pictures"`` or ``"series"``; None for other rows.
    notes
        Remarks on what was uncertain.
    gaps
        Column → its missing cells, in words, and the marks that stand for them.

    Examples
    --------
    >>> import pandas as pd
    >>> from fourfold.data.schema import Hints, as_pile, infer_schema
    >>> table = pd.DataFrame({"rate": ["1,5", "2,25"], "code": ["007", "010"]})
    >>> schema = infer_schema([as_pile(table, "rates")], Hints())
    >>> {name: column.kind for name, column in schema.columns.items()}
    {'rate': 'number', 'code': 'category'}
    """

    columns: Mapping[str, Column]
    labels: Labels | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    id: str | None = None
    layout: Literal["pictures", "series"] | None = None
    notes: tuple[Note, ...] = field(default=(), compare=False)
    gaps: Mapping[Any, str] = field(default_factory=dict, compare=False)

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

    @property
    def kept_columns(self) -> dict[Any, Column]:
        """Columns that a model keeps: its inputs, and the one that names the rows."""
        named = {} if self.id is None else {self.id: Column("identifier", why=NAMES_ROWS)}
        return {name: self.columns[name].in_file("") for name in self.inputs} | named

    def noting(self, notes: Iterable[Note]) -> Schema:
        """Return the same schema with further notes, before its own."""
        return replace(self, notes=(*notes, *self.notes))

    def read(self, pile: Pile) -> ReadPile:
        """Read a pile.

        Raises
        ------
        DataError
            If it lacks a column, a label does not fit, or no column is an input.
        """
        import pandas as pd

        check_there(pile, self.inputs)
        if not self.inputs:
            gone = some(f"{name} ({column.why})" for name, column in self.columns.items())
            raise DataError(
                one_line(f"a table must have a column to learn from; left out are {gone}")
            )
        own = {name: self.columns[name].in_file(pile.name) for name in self.inputs}
        read = {name: column.read(pile.columns[name], name) for name, column in own.items()}
        odd = {name: one.odd for name, one in read.items() if one.odd is not None}
        frame = pd.DataFrame({name: one.cells for name, one in read.items()})
        return ReadPile(frame, *self.read_beside(pile), odd)

    def read_beside(self, pile: Pile) -> tuple[NDArray[Any] | None, dict[str, Any]]:
        """Read the labels of a pile, if it has some, and the annotations beside them.

        Raises
        ------
        DataError
            If a label does not fit, or only some of several labels are there.
        """
        y = None
        if self.labels is not None and any(name in pile.columns for name in self.labels.columns):
            gaps = [name for name in self.labels.columns if name not in pile.columns]
            if gaps:
                raise DataError(
                    f"{pile.name} must have all columns of labels, or none; it lacks {some(gaps)}"
                )
            y = self.labels.in_file(pile.name).read(pile.columns)
        beside = {
            KEYWORDS[role]: self.columns[name]
            .in_file(pile.name)
            .read(pile.columns[name], name)
            .cells
            for role, name in self.roles.items()
            if name in pile.columns
        }
        return y, beside

    def completing(self, hints: Hints) -> Hints:
        """Return hints that this schema completes: its columns are not inferred again."""
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
            layout=hints.layout or self.layout,
            **roles,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON."""
        labels = {} if self.labels is None else {"labels": self.labels.to_json()}
        columns = {name: column.to_json() for name, column in self.columns.items()}
        notes = [note.sentence for note in self.notes]
        shape = {} if self.layout is None else {"layout": self.layout}
        return {
            "columns": columns,
            **labels,
            **self.roles,
            **shape,
            **({"notes": notes} if notes else {}),
        }

    @classmethod
    def of_json(cls, said: Any) -> Schema:
        """Rebuild a schema from :meth:`to_json`, or from a file that somebody wrote.

        Raises
        ------
        DataError
            If it is no schema.
        """
        known = {"columns", "labels", "layout", "notes", *ROLES}
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
        beside: dict[str, Any] = {role: said.get(role) for role in ROLES}
        named = all(isinstance(name, str | None) for name in beside.values())
        if not named or said.get("layout") not in {None, "pictures", "series"}:
            raise DataError(
                f"{', '.join(ROLES)} of a schema must be names of columns, and its layout pictures "
                f"or series; got {one_line(beside, 60)}, {said.get('layout')!r:.20}"
            )
        return cls(columns, labels, **beside, layout=said.get("layout"))
