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

__all__ = ["AttributeEncoder", "Signatures", "columns_of"]

Kind: TypeAlias = Literal["binary", "categorical", "continuous"]


@final
@dataclass(frozen=True)
class AttributeEncoder:
    """One attribute as columns of numbers.

    Attributes
    ----------
    name
        The attribute.
    kind
        ``"binary"``: one column of 0 and 1; ``"categorical"``: one-hot columns; ``"continuous"``:
        one column, standardized over the classes.
    values
        The names of 0 and 1, or the categories in the order of the columns; empty for numbers.
    mean, scale
        Of a continuous attribute.
    """

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.values) if self.kind == "categorical" else 1

    def encode(self, column: pd.Series[Any]) -> NDArray[np.float32]:
        """Encode values as columns (k, width), NaN for a missing value."""
        out = np.full((len(column), self.width), np.nan, np.float32)
        known = np.flatnonzero(column.notna())
        for row, value in zip(known, column.dropna().tolist(), strict=True):
            out[row] = self._encode_one(value)
        return out

    def decode(self, columns: NDArray[Any]) -> list[str]:
        """Write the values of columns (k, width) as text; "?" for a missing value."""
        words = []
        for row in columns:
            if np.isnan(row).any():
                words.append("?")
            elif self.kind == "continuous":
                words.append(_number(row[0] * self.scale + self.mean, self.scale))
            elif self.kind == "binary":
                words.append(self.values[int(row[0] > 0.5)])
            else:
                words.append(self.values[int(row.argmax())])
        return words

    def _encode_one(self, value: Any) -> Any:
        if self.kind == "continuous":
            if isinstance(value, str) or not np.isfinite(value):
                raise DataError(f"attribute {self.name!r} must be a finite number; got {value!r}")
            return (value - self.mean) / self.scale
        if self.kind == "binary":
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
    """Encode descriptions of classes as signatures (k, m), a row of numbers a class.

    Truth values and 0 / 1 become one column, categories one column each; other numbers are
    standardized over the classes of ``fit``; vectors are unchanged.

    Attributes
    ----------
    kind
        Of the descriptions: ``"attributes"`` or ``"vectors"``.
    encoders
        Of the attributes, in the order of the columns.
    typical
        (m,) the average over the classes of ``fit``, for missing attributes.

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
        encoders: tuple[AttributeEncoder, ...],
        typical: tuple[float, ...] = (),
    ) -> None:
        self.kind = kind
        self.encoders = encoders
        self.typical = typical

    @classmethod
    def fit(cls, descriptions: Descriptions) -> Self:
        """Learn the attributes from the descriptions of all classes.

        Raises
        ------
        DataError
            If descriptions are texts, which must be encoded first, or an attribute mixes numbers
            and words.
        """
        if descriptions.matrix is not None:
            encoders = (AttributeEncoder(name, "continuous") for name in descriptions.attributes)
            return cls("vectors", tuple(encoders))
        if descriptions.frame is None:
            raise DataError("texts must be encoded as vectors first; got texts")
        frame = descriptions.frame
        made = cls("attributes", tuple(_encoder(str(c), frame[c]) for c in frame.columns))
        made.typical = tuple(np.nanmean(made.transform(descriptions), axis=0).tolist())
        return made

    @property
    def width(self) -> int:
        """Number of columns, m."""
        return sum(encoder.width for encoder in self.encoders)

    def transform(self, descriptions: Descriptions) -> NDArray[np.float32]:
        """Return signatures (k, m), NaN where an attribute is missing.

        Raises
        ------
        DataError
            If descriptions are of another kind than in ``fit``, or lack its attributes.
        """
        if descriptions.kind != self.kind:
            raise DataError(
                f"classes must be described by {self.kind}, as in fit; got {descriptions.kind}"
            )
        if descriptions.matrix is not None:
            if descriptions.width != len(self.encoders):
                raise DataError(
                    f"descriptions must be vectors of {len(self.encoders)} numbers, as in fit; got "
                    f"{descriptions.width}"
                )
            return descriptions.matrix
        made = np.hstack([e.encode(self._column(descriptions, e)) for e in self.encoders])
        empty = descriptions.names[np.isnan(made).all(axis=1)].tolist()
        if empty:
            known = ", ".join(encoder.name for encoder in self.encoders[:5])
            raise DataError(
                f"a class must have one of the attributes of fit, such as {known}; got none for "
                f"{empty[0]!r}"
            )
        return made

    def filled(self, descriptions: Descriptions) -> NDArray[np.float32]:
        """Return signatures as :meth:`transform` does, with averages for missing attributes."""
        made = self.transform(descriptions)
        holes = np.isnan(made)
        return np.where(holes, np.array(self.typical, np.float32), made) if holes.any() else made

    @staticmethod
    def _column(descriptions: Descriptions, encoder: AttributeEncoder) -> pd.Series[Any]:
        """Return an attribute of all classes; missing everywhere if no class has it."""
        frame = descriptions.frame
        found = {} if frame is None else {str(column): frame[column] for column in frame.columns}
        return found.get(encoder.name, pd.Series([np.nan] * len(descriptions)))

    def state(self) -> dict[str, Any]:
        """Return the fitted state as JSON."""
        encoders = [asdict(encoder) for encoder in self.encoders]
        return {"kind": self.kind, "encoders": encoders, "typical": list(self.typical)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """Return the signatures of a state."""
        encoders = tuple(
            AttributeEncoder(**{**saved, "values": tuple(saved["values"])})
            for saved in state["encoders"]
        )
        return cls(state["kind"], encoders, tuple(state["typical"]))


def columns_of(encoders: Sequence[AttributeEncoder]) -> list[tuple[AttributeEncoder, slice]]:
    """Return each attribute with its columns of a signature."""
    ends = np.cumsum([encoder.width for encoder in encoders]).tolist()
    return [(e, slice(end - e.width, end)) for e, end in zip(encoders, ends, strict=True)]


def _encoder(name: str, column: pd.Series[Any]) -> AttributeEncoder:
    """Choose the encoder of a column by its values."""
    known = column.dropna().tolist()
    if not known:
        raise DataError(f"attribute {name!r} must be known for some class; got only missing ones")
    if all(isinstance(value, str) for value in known):
        return AttributeEncoder(name, "categorical", tuple(sorted(set(known))))
    if not all(isinstance(value, (bool, int, float, np.bool_, np.number)) for value in known):
        raise DataError(f"attribute {name!r} must be all numbers or all words; got a mixture")
    if all(isinstance(value, (bool, np.bool_)) for value in known):
        return AttributeEncoder(name, "binary", ("no", "yes"))
    if set(known) <= {0, 1}:
        return AttributeEncoder(name, "binary", ("0", "1"))
    numbers = np.array(known, np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(f"attribute {name!r} must be finite; got infinity")
    return AttributeEncoder(
        name, "continuous", (), float(numbers.mean()), float(numbers.std()) or 1.0
    )


def _number(value: float, scale: float) -> str:
    """Write a number with the digits that its scale needs."""
    decimals = max(0, 2 - math.floor(math.log10(scale)))
    written = f"{value:.{decimals}f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written
