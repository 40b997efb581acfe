"""Hints: all that a user may say about the columns, the labels and the rows of the data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, final

from fourfold.data.schema.cells import MARKS
from fourfold.data.schema.dates import ISO, check_format
from fourfold.data.schema.joined import dated, divided
from fourfold.data.schema.labels import LABEL_TYPES, Labels, LabelType
from fourfold.errors import DataError, ParameterError, some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from fourfold.data.schema.column import Column, Kind

__all__ = ["Hints"]


@final
@dataclass(frozen=True)
class Hints:
    """Hints on columns, labels and rows; all else is inferred.

    Parameters
    ----------
    label
        Columns of the labels.
    label_type
        ``"classes"``, ``"numbers"``, ``"yes-no"`` for several answers of two values, or
        ``"transcripts"`` of sounds.
    numbers, categories, dates, text
        Columns of a kind; dates by name and format, as of ``strptime``, or ``""`` to find it.
    drop, keep
        Columns that are left out, and those that are used though they would be left out.
    ignore
        Columns that are left out of the tables that have them, and the reason.
    missing
        Further marks of missing cells, such as ``"-9999"``.
    missing_label
        Marks of missing labels instead of the usual ones; an empty cell always is missing.
    decimal
        Sign of decimals.
    layout
        Layout of arrays (n, a, b): ``"pictures"``, or ``"series"`` of one dimension.
    group, time, weight, id
        Columns of groups, moments, weights and names of rows.
    columns, labels
        Columns by name, and labels, that are described in full, as by a schema.
    joined
        Whether commas divide names that stand together, as on a command line.

    Raises
    ------
    ParameterError
        If a column is given twice.
    """

    label: tuple[str, ...] = ()
    label_type: LabelType | None = None
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dates: Mapping[str, str] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    missing_label: tuple[str, ...] | None = None
    decimal: str | None = None
    layout: Literal["pictures", "series"] | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    id: str | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    labels: Labels | None = None
    joined: bool = False

    def __post_init__(self) -> None:
        places: dict[str, str] = {}
        pairs = [(option, name) for option, names in self._named().items() for name in names]
        for option, name in pairs:
            if name in places:
                raise ParameterError(
                    f"each column must be given once; got {name!r} as {places[name]} and {option}"
                )
            places[name] = option
        if self.label_type not in {None, *LABEL_TYPES}:
            raise ParameterError(
                f"label_type must be one of {', '.join(LABEL_TYPES)}; got {self.label_type!r}"
            )
        for form in filter(None, self.dates.values()):
            check_format(ISO if form.lower() == "iso" else form)
        if self.layout not in {None, "pictures", "series"}:
            raise ParameterError(f"layout must be 'pictures' or 'series'; got {self.layout!r}")
        if self.decimal not in {None, ".", ","}:
            raise ParameterError(f"decimal must be '.' or ','; got {self.decimal!r}")

    def _named(self) -> dict[str, Iterable[str]]:
        kinds = {name: getattr(self, name) for name in ("numbers", "categories", "text", "drop")}
        roles = {name: getattr(self, name) for name in ("group", "time", "weight", "id")}
        return {
            "label": self.label,
            **kinds,
            "dates": self.dates,
            **{role: [name] for role, name in roles.items() if name is not None},
        }

    @property
    def roles(self) -> dict[str, str]:
        """Role → column, for those that stand beside inputs and labels."""
        named = {role: getattr(self, role) for role in ("group", "time", "weight", "id")}
        return {role: name for role, name in named.items() if name is not None}

    @property
    def marks(self) -> tuple[str, ...]:
        """All marks of missing cells."""
        return (*MARKS, *self.missing)

    def kind(self, name: str) -> Kind | None:
        """Return the kind that a column must have; None where it is to be inferred."""
        for kind, names in (
            ("number", self.numbers),
            ("category", self.categories),
            ("date", self.dates),
            ("text", self.text),
        ):
            if name in names:
                return kind  # type: ignore[return-value]
        return None

    def format(self, name: str) -> str:
        """Return the format of a column of dates; empty where it is to be found."""
        said = self.dates.get(name, "")
        return ISO if said.lower() == "iso" else said

    def among(self, columns: Iterable[str]) -> Hints:
        """Return hints whose names are divided at commas, but for those inside of a column's name.

        So are dates, ``NAME=FORMAT`` each.
        """
        if not self.joined:
            return self
        there = {*columns}
        lists: dict[str, Any] = {
            option: tuple(name for text in getattr(self, option) for name in divided(text, there))
            for option in ("label", "numbers", "categories", "text", "drop", "keep")
        }
        dates = {n: form for text in self.dates for n, form in dated(text, there).items()}
        return replace(self, **lists, dates=dates, joined=False)

    def check_rows(self, kinds: Collection[str], where: str, *, columns: bool) -> None:
        """Refuse hints that mean nothing for rows of these kinds.

        Parameters
        ----------
        kinds
            Of the rows of each file: ``"table"``, ``"array"``, ``"sounds"``, ...
        where
            The files, for the message.
        columns
            Whether a file has columns, as a table or beside other rows.

        Raises
        ------
        DataError
            If there are some.
        """
        cells = {"decimal": self.decimal, "missing": self.missing}
        idle = next((name for name, said in cells.items() if said), None)
        if idle is not None and not columns:
            raise DataError(f"{idle} must stand beside tables, whose cells it reads; got {where}")
        if self.layout is not None and "array" not in kinds:
            raise DataError(f"layout must stand beside arrays (n, a, b); got {where}")
        if self.label_type == "transcripts" and {*kinds} != {"sounds"}:
            raise DataError(f"label_type='transcripts' must stand beside sounds; got {where}")

    def check_names(self, names: Iterable[str], where: str = "") -> None:
        """Refuse hints on columns that are in none of the tables.

        Raises
        ------
        DataError
            If there are some.
        """
        there = {*names}
        said = [name for names in self._named().values() for name in names] + [*self.keep]
        lacking = [name for name in said if name not in there]
        if where and lacking:
            raise DataError(f"{where} must be a table to have a column {lacking[0]!r}; it is none")
        lacking = [name for name in lacking if name not in self.label]
        if lacking:
            raise DataError(
                f"the tables must have the column {lacking[0]!r}; they have "
                f"{some(map(repr, sorted(map(str, there))), 8)}"
            )
