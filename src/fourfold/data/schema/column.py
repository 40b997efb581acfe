"""Columns: the kind of a column, and the form of its cells."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self, TypeAlias, final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import (
    MARKS,
    as_cells,
    is_written,
    missing_as_null,
    numbers_among,
    truth_as_digits,
    written,
)
from fourfold.data.schema.dates import ISO, check_format, parse_dates
from fourfold.data.schema.numbers import Form, check_signs, parse_numbers, plain_numbers
from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["KINDS", "NAMES_ROWS", "Column", "Kind", "Odd", "Read"]

Kind: TypeAlias = Literal["number", "category", "date", "text", "identifier", "ignored"]
KINDS: tuple[str, ...] = get_args(Kind)
FORM: Final = frozenset({"decimal", "thousands", "unit", "format"})
"""What a file may write in its own way."""
NAMES_ROWS: Final = "names the rows"
"""Reason for which a column of identifiers is no input, but kept with a model."""


class Odd(NamedTuple):
    """Cells that count as missing since they do not fit: their positions, and infinite ones."""

    strange: NDArray[np.intp]
    infinite: int = 0


class Read(NamedTuple):
    """A column as it is read: float64, moments, or strings with None for a missing one."""

    cells: pd.Series[Any]
    odd: Odd | None = None


@final
@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    kind
        ``"number"``, ``"category"``, ``"date"``, ``"text"``; or left out: ``"identifier"``,
        ``"ignored"``.
    decimal, thousands, unit
        Signs in numbers: ``","`` and ``"."`` in 1.234,5; a unit such as ``"%"`` is cut off.
    format
        Format of dates, as of ``strptime``, or ``"ISO8601"``.
    missing
        Marks of missing cells; an empty cell always is missing.
    why
        Reason for which a column is left out.
    files
        Name of a file → what differs in it: ``decimal``, ``thousands``, ``unit`` or ``format``.
    """

    kind: Kind
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    format: str = "ISO8601"
    missing: tuple[str, ...] = MARKS
    why: str = ""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    def in_file(self, name: str) -> Column:
        """Return the column as it is written in a file."""
        own: dict[str, Any] = {**self.files.get(name, {}), "files": {}}
        return replace(self, **own)

    @property
    def used(self) -> bool:
        """Whether the column is an input."""
        return self.kind not in {"identifier", "ignored"}

    def read(self, values: Any, name: object = "") -> Read:
        """Read cells, written or typed: (n,)."""
        import pandas as pd

        given = as_cells(values, name)
        plain = self.kind == "number" and Form(self.decimal, self.thousands, self.unit) == Form()
        at_once = plain_numbers(given) if plain and not numbers_among(self.missing) else None
        if at_once is not None and not np.isinf(at_once).any():
            return Read(pd.Series(at_once))
        cells = missing_as_null(given, ("", *self.missing))
        if self.kind == "number":
            if pa.types.is_boolean(cells.type):
                cells = cells.cast(pa.int8())
            if pa.types.is_timestamp(cells.type):
                cells = written(cells)
            if is_written(cells):
                digits = truth_as_digits(cells)
                cells = cells if digits is None else digits
            found = parse_numbers(cells, Form(self.decimal, self.thousands, self.unit))
            strange = np.flatnonzero(found.strange)
            odd = Odd(strange, found.infinite) if len(strange) or found.infinite else None
            gone = np.isin(found.values, numbers_among(self.missing))  # -9999.0 is -9999
            return Read(pd.Series(np.where(gone, np.nan, found.values)), odd)
        if self.kind == "date":
            if not pa.types.is_timestamp(cells.type):
                cells = written(cells)
            moments, wrong = parse_dates(cells, self.format)
            return Read(moments, Odd(np.flatnonzero(wrong)) if wrong.any() else None)
        if self.kind == "text":  # its spaces stay
            cells = pc.if_else(cells.is_valid(), written(given), None)
        found = written(cells)
        shared = found if self.kind == "text" else found.dictionary_encode()  # one string each
        texts = shared.to_pandas().astype(object)
        return Read(texts.where(texts.notna(), None))

    def to_json(self) -> dict[str, Any]:
        """Return the differences to a plain column of the kind, as JSON."""
        plain = asdict(Column(self.kind))
        own = {name: value for name, value in asdict(self).items() if value != plain[name]}
        return {"kind": self.kind, **{k: list(v) if k == "missing" else v for k, v in own.items()}}

    @classmethod
    def of_json(cls, name: str, said: Mapping[str, Any]) -> Self:
        """Rebuild a column from :meth:`to_json`, or from a file that somebody wrote.

        Raises
        ------
        DataError
            If it is no column.
        """
        known = {one.name for one in fields(cls)}
        strange = sorted(set(said) - known)
        if strange or said.get("kind") not in KINDS:
            raise DataError(
                f"column {name!r} of a schema must have a kind, {', '.join(KINDS)}, and of "
                f"{', '.join(sorted(known - {'kind'}))} those that it needs; got "
                f"{some(strange) if strange else said.get('kind')!r}"
            )
        marks = said.get("missing", MARKS)
        files = said.get("files", {})
        texts: dict[str, Any] = {k: v for k, v in said.items() if k not in {"missing", "files"}}
        if not all(isinstance(text, str) for text in (*texts.values(), *marks)):
            raise DataError(f"column {name!r} of a schema must be described by texts")
        forms: list[Any] = [*files.values()] if isinstance(files, dict) else [None]
        if not all(isinstance(form, dict) and {*form} <= FORM for form in forms):
            raise DataError(
                f"files of column {name!r} of a schema must be names with {', '.join(sorted(FORM))}"
            )
        for form in forms:
            cls.of_json(name, {"kind": said["kind"], **form})
        check_signs(texts)
        check_format(texts.get("format", ISO))
        return cls(**texts, missing=tuple(marks), files=files)
