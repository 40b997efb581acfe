"""Labels in columns of tables: classes, numbers, or several answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.data.schema.cells import MARKS, as_cells, missing_as_null, written
from fourfold.data.schema.notes import joined
from fourfold.data.schema.numbers import Form, check_signs, parse_numbers
from fourfold.errors import DataError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells

__all__ = ["LABEL_TYPES", "WHOLE", "YES", "LabelType", "Labels"]

LabelType: TypeAlias = Literal["classes", "numbers", "yes-no", "transcripts"]
LABEL_TYPES: Final[tuple[str, ...]] = get_args(LabelType)

YES: Final = {
    "yes": 1,
    "true": 1,
    "1": 1,
    "y": 1,
    "t": 1,
    "no": 0,
    "false": 0,
    "0": 0,
    "n": 0,
    "f": 0,
}
WHOLE: Final = r"^-?(0|[1-9]\d{0,14})(\.0+)?$"


@final
@dataclass(frozen=True)
class Labels:
    """Labels in columns of tables.

    Attributes
    ----------
    columns
        One, or several answers.
    type
        ``"classes"``, ``"numbers"``, ``"yes-no"``: 1 for yes, 0 for no; or ``"transcripts"``, of
        sounds.
    missing
        Marks of missing labels.
    whole
        Whether classes are whole numbers; else they are names.
    one_hot
        Whether the one column with a 1 names the class.
    decimal, thousands, unit
        Signs in numbers.
    files
        Name of a file → the signs in it, where they differ.
    """

    columns: tuple[str, ...]
    type: LabelType
    missing: tuple[str, ...] = MARKS
    whole: bool = False
    one_hot: bool = False
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    def in_file(self, name: str) -> Labels:
        """Return the labels as they are written in a file."""
        own: dict[str, Any] = {**self.files.get(name, {}), "files": {}}
        return replace(self, **own)

    @property
    def form(self) -> Form:
        """The signs in numbers."""
        return Form(self.decimal, self.thousands, self.unit)

    def read(self, columns: Mapping[str, Any]) -> NDArray[Any]:
        """Read the labels of one pile, (n,) or (n, m): objects or float64, None or NaN if missing.

        Raises
        ------
        DataError
            If a label does not fit.
        """
        read = [
            self.read_column(
                missing_as_null(as_cells(columns[name], name), ("", *self.missing)), name
            )
            for name in self.columns
        ]
        if self.one_hot:
            answers = np.column_stack(read)
            names: NDArray[Any] = np.array(self.columns, object)[
                np.nan_to_num(answers).argmax(axis=1)
            ]
            names[np.isnan(answers).any(axis=1)] = None
            return names
        return read[0] if len(read) == 1 else np.column_stack(read)

    def read_column(self, cells: Cells, name: str) -> NDArray[Any]:
        """Read one column, missing labels of which are null: (n,)."""
        if self.type == "numbers":
            if pa.types.is_boolean(cells.type):
                cells = cells.cast(pa.int8())
            found = parse_numbers(cells, self.form)
            _refuse(name, "a number", cells, found.strange)
            return found.values
        texts = written(cells)
        if self.type == "yes-no" or self.one_hot:
            answers = [None if t is None else YES.get(t.lower(), -1) for t in texts.to_pylist()]
            values = np.array(answers, float)
            _refuse(name, "yes or no, true or false, 1 or 0", texts, values == -1)
            return values
        if self.whole:
            right = pc.match_substring_regex(texts, WHOLE).fill_null(True).to_numpy()
            _refuse(name, "a whole number", texts, ~right)
            numbers = np.asarray(texts.cast(pa.float64()).to_numpy())
            return numbers if texts.null_count else numbers.astype(np.int64)
        return np.array(texts.to_pylist(), object)

    def to_json(self) -> dict[str, Any]:
        """Return the labels as JSON."""
        said = {
            name: getattr(self, name)
            for name in ("whole", "one_hot", "decimal", "thousands", "unit", "files")
        }
        plain = Labels(self.columns, self.type)
        own = {name: value for name, value in said.items() if value != getattr(plain, name)}
        marks = {} if self.missing == MARKS else {"missing": list(self.missing)}
        return {"columns": list(self.columns), "type": self.type, **own, **marks}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Labels:
        """Rebuild labels from :meth:`to_json`.

        Raises
        ------
        DataError
            If they are none.
        """
        try:
            columns, missing = tuple(said["columns"]), tuple(said.get("missing", MARKS))
            made = cls(**{**said, "columns": columns, "missing": missing})
            check_signs(said)
            for name, form in made.files.items():
                check_signs(form)
                made.in_file(name)
        except (AttributeError, KeyError, TypeError) as error:
            raise DataError(
                f"labels of a schema must have columns and a type; got {error}"
            ) from None
        texts = all(isinstance(text, str) for text in (*columns, *missing))
        if made.type not in LABEL_TYPES or not columns or not texts:
            raise DataError(
                f"labels of a schema must have columns and a type, {', '.join(LABEL_TYPES)}; got "
                f"{made.type!r}"
            )
        return made


def _refuse(name: str, must: str, cells: Cells, strange: NDArray[np.bool_]) -> None:
    if strange.any():
        at = np.flatnonzero(strange)
        odd = joined(cells[int(row)].as_py() for row in at[:3])
        said = f"labels in {name!r} must be {must}, as in the schema; got {odd}"
        raise DataError(one_line(f"{said}, first in row {at[0] + 1}"))
