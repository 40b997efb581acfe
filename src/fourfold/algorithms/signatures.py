"""Signatures: descriptions of classes as rows of numbers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final

import numpy as np
import pandas as pd

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.descriptions import Descriptions

__all__ = ["Group", "Signatures", "columns_of"]

Sort: TypeAlias = Literal["binary", "categorical", "continuous"]


@final
@dataclass(frozen=True)
class Group:
    """The columns of one attribute.

    Attributes
    ----------
    name
        The attribute.
    sort
        ``"binary"``: one column of 0 and 1; ``"categorical"``: one of them 1, the others 0;
        ``"continuous"``: one column, standardized over the classes.
    values
        What is 0 and what is 1; or the categories in the order of the columns; empty for numbers.
    mean, scale
        Of a continuous attribute.
    """

    name: str
    sort: Sort
    values: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.values) if self.sort == "categorical" else 1

    def encode(self, column: pd.Series[Any]) -> NDArray[np.float32]:
        """Make columns (k, width) of an attribute's values, NaN where one is missing."""
        missing = column.isna().to_numpy()
        out = np.full((len(column), self.width), np.nan, np.float32)
        for row, value in enumerate(column.tolist()):
            if not missing[row]:
                out[row] = self._encode_one(value)
        return out

    def decode(self, columns: NDArray[Any]) -> list[str]:
        """Write what columns (k, width) say, as a person reads it; "?" where it is missing."""
        said = []
        for row in columns:
            if np.isnan(row).any():
                said.append("?")
            elif self.sort == "continuous":
                said.append(_number(row[0] * self.scale + self.mean, self.scale))
            elif self.sort == "binary":
                said.append(self.values[int(row[0] > 0.5)])
            else:
                said.append(self.values[int(row.argmax())])
        return said

    def _encode_one(self, value: Any) -> Any:
        if self.sort == "continuous":
            if isinstance(value, str) or not np.isfinite(value):
                raise DataError(f"attribute {self.name!r} must be a finite number; got {value!r}")
            return (value - self.mean) / self.scale
        if self.sort == "binary":
            if value not in {0, 1}:
                raise DataError(
                    f"attribute {self.name!r} must be {' or '.join(self.values)}; got {value!r}"
                )
            return value
        if value not in self.values:
            raise DataError(
                f"attribute {self.name!r} must be one of {', '.join(self.values)}; got {value!r}"
            )
        return np.arange(self.width) == self.values.index(value)


@final
class Signatures:
    """Turns descriptions into signatures (k, m): a row of numbers a class.

    Truth values and 0 / 1 are one column, categories one each, other numbers are standardized over
    the classes it was fitted on; vectors stay as they are.

    Attributes
    ----------
    kind
        Of the descriptions: ``"attributes"`` or ``"vectors"``.
    groups
        Attribute by attribute, in the order of the columns.
    typical
        (m,) what stands for a missing attribute where none may be missing: the average over the
        classes it was fitted on.

    Examples
    --------
    >>> from fourfold.data.descriptions import Descriptions
    >>> animals = Descriptions.of({"horse": {"hoofs": 1, "diet": "grass"}, "crow": {"hoofs": 0}})
    >>> Signatures.fit(animals).transform(animals)
    array([[ 1.,  1.],
           [ 0., nan]], dtype=float32)
    """

    def __init__(
        self,
        kind: Literal["attributes", "vectors"],
        groups: tuple[Group, ...],
        typical: tuple[float, ...] = (),
    ) -> None:
        self.kind = kind
        self.groups = groups
        self.typical = typical

    @classmethod
    def fit(cls, descriptions: Descriptions) -> Self:
        """Learn what attributes there are, from every class that is described.

        Raises
        ------
        DataError
            If descriptions are texts, which must be encoded first, or an attribute is neither
            numbers nor words.
        """
        if descriptions.matrix is not None:
            return cls("vectors", tuple(map(_of_vector, descriptions.attributes)))
        if descriptions.frame is None:
            raise DataError("texts must be encoded as vectors first; got texts")
        frame = descriptions.frame
        made = cls("attributes", tuple(_group(str(c), frame[c]) for c in frame.columns))
        made.typical = tuple(np.nanmean(made.transform(descriptions), axis=0).tolist())
        return made

    @property
    def width(self) -> int:
        """How many columns, m."""
        return sum(group.width for group in self.groups)

    def columns(self) -> list[tuple[Group, slice]]:
        """Return each attribute with its columns."""
        return columns_of(self.groups)

    def transform(self, descriptions: Descriptions) -> NDArray[np.float32]:
        """Return signatures (k, m), NaN where an attribute is missing.

        Raises
        ------
        DataError
            If classes are described in another way than those that it was fitted on.
        """
        if descriptions.kind != self.kind:
            raise DataError(
                f"classes must be described by {self.kind}, as in fit; got {descriptions.kind}"
            )
        if descriptions.matrix is not None:
            if descriptions.width != len(self.groups):
                raise DataError(
                    f"descriptions must be vectors of {len(self.groups)} numbers, as in fit; got "
                    f"{descriptions.width}"
                )
            return descriptions.matrix
        made = np.concatenate(
            [g.encode(self._column(descriptions, g)) for g in self.groups], axis=1
        )
        empty = descriptions.names[np.isnan(made).all(axis=1)].tolist()
        if empty:
            known = ", ".join(group.name for group in self.groups[:5])
            raise DataError(
                f"a class must have one of the attributes of fit, such as {known}; got none for "
                f"{empty[0]!r}"
            )
        return made

    def filled(self, descriptions: Descriptions) -> NDArray[np.float32]:
        """Return signatures (k, m) in which what is missing is as it is on average.

        Raises
        ------
        DataError
            As :meth:`transform` does.
        """
        made = self.transform(descriptions)
        holes = np.isnan(made)
        return np.where(holes, np.array(self.typical, np.float32), made) if holes.any() else made

    @staticmethod
    def _column(descriptions: Descriptions, group: Group) -> pd.Series[Any]:
        """Return an attribute of all classes; one that nobody has is missing everywhere."""
        frame = descriptions.frame
        found = {} if frame is None else {str(column): frame[column] for column in frame.columns}
        return found.get(group.name, pd.Series([np.nan] * len(descriptions)))

    def state(self) -> dict[str, Any]:
        """Return what was fitted, as JSON can hold it."""
        groups = [asdict(group) for group in self.groups]
        return {"kind": self.kind, "groups": groups, "typical": list(self.typical)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """Take over what :meth:`state` returned."""
        groups = [{**group, "values": tuple(group["values"])} for group in state["groups"]]
        made = tuple(Group(**group) for group in groups)
        return cls(state["kind"], made, tuple(state["typical"]))


def columns_of(groups: Sequence[Group]) -> list[tuple[Group, slice]]:
    """Return each attribute with its columns of a signature."""
    ends = np.cumsum([group.width for group in groups]).tolist()
    return [(group, slice(end - group.width, end)) for group, end in zip(groups, ends, strict=True)]


def _of_vector(name: str) -> Group:
    return Group(name, "continuous")


def _group(name: str, column: pd.Series[Any]) -> Group:
    """Tell what sort of attribute a column is."""
    known = [value for value, no in zip(column.tolist(), column.isna(), strict=True) if not no]
    if not known:
        raise DataError(f"attribute {name!r} must be known for some class; got only missing ones")
    if all(isinstance(value, str) for value in known):
        return Group(name, "categorical", tuple(sorted(set(known))))
    if not all(isinstance(value, (bool, int, float, np.bool_, np.number)) for value in known):
        raise DataError(f"attribute {name!r} must be all numbers or all words; got a mixture")
    if all(isinstance(value, (bool, np.bool_)) for value in known):
        return Group(name, "binary", ("no", "yes"))
    if set(known) <= {0, 1}:
        return Group(name, "binary", ("0", "1"))
    numbers = np.array(known, np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(f"attribute {name!r} must be finite; got infinity")
    return Group(name, "continuous", (), float(numbers.mean()), float(numbers.std()) or 1.0)


def _number(value: float, scale: float) -> str:
    """Write a number as finely as its spread asks for."""
    decimals = max(0, 2 - math.floor(math.log10(scale)))
    written = f"{value:.{decimals}f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written
