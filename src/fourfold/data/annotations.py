"""Annotations of rows that are neither inputs nor labels: groups, times, weights and names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self, TypedDict, final

import numpy as np

from fourfold.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["Annotations", "Dependence"]


@final
class Dependence(TypedDict):
    """Groups and moments of rows, (n,) each, as keywords of :mod:`~fourfold.core.folds`."""

    groups: NDArray[np.intp] | None
    time: NDArray[np.float64] | None


@final
@dataclass(frozen=True)
class Annotations:
    """Annotations of each row of a domain, (n,) each; None for those that it lacks.

    Attributes
    ----------
    groups
        Person, account or recording that a row is of: rows of one group are never divided between
        training and judgement. Objects; a row with None is a group of its own.
    time
        Moments in float64, in any unit: training comes before, judgement after.
    weight
        Weights in training and in scores: float64, at least 0.
    ids
        Names of the rows, objects.
    """

    groups: NDArray[Any] | None = None
    time: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None
    ids: NDArray[Any] | None = None

    @classmethod
    def read(cls, n: int, *, groups: Any, time: Any, sample_weight: Any, ids: Any) -> Self:
        """Read the annotations of n rows as users write them: lists, arrays or Series.

        Raises
        ------
        DataError
            If one has another number of rows, a time is missing or none, or a weight is negative,
            missing or infinite.
        """
        found = cls(_names(groups), _moments(time), _weights(sample_weight), _names(ids))
        for name, values in found.given():
            if len(values) != n:
                raise DataError(
                    f"{name} must have one value for each of {n} rows; got {values.shape}"
                )
        return found

    def given(self) -> list[tuple[str, NDArray[Any]]]:
        """List the annotations that are there, with their names."""
        pairs = [(part.name, getattr(self, part.name)) for part in fields(self)]
        return [(name, values) for name, values in pairs if values is not None]

    def at(self, index: Index) -> Annotations:
        """Return the annotations of the rows at these positions."""
        return Annotations(**{name: values[index] for name, values in self.given()})

    def content(self) -> bytes:
        """Return the content that a fit depends on, as bytes; empty without any."""
        parts = [f"{name}{values.tolist()}" for name, values in self.given() if name != "ids"]
        return "".join(parts).encode()

    @property
    def group_codes(self) -> NDArray[np.intp] | None:
        """Group of each row as a number from 0, (n,); None without groups."""
        if self.groups is None:
            return None
        import pandas as pd

        codes, _ = pd.factorize(self.groups)
        alone = codes < 0
        codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
        return np.asarray(codes, np.intp)

    @property
    def dependence(self) -> Dependence:
        """The annotations by which rows depend on each other."""
        return {"groups": self.group_codes, "time": self.time}

    @classmethod
    def pooled(cls, parts: Sequence[Annotations], lengths: Sequence[int]) -> Self:
        """Join the annotations of several domains with these numbers of rows.

        Rows without a group are groups of their own, those without a weight count 1. Times and
        names are kept where all domains have them.
        """
        if not any(part.given() for part in parts):
            return cls()
        pairs = list(zip(parts, lengths, strict=True))
        times, ids = [p.time for p in parts], [p.ids for p in parts]
        return cls(
            groups=_joined([p.groups for p in parts], [np.full(n, None) for _, n in pairs]),
            time=None if any(one is None for one in times) else np.concatenate(times),  # type: ignore[arg-type]
            weight=_joined([p.weight for p in parts], [np.ones(n) for _, n in pairs]),
            ids=None if any(one is None for one in ids) else np.concatenate(ids),  # type: ignore[arg-type]
        )


def _joined(values: Sequence[NDArray[Any] | None], otherwise: Sequence[NDArray[Any]]) -> Any:
    if all(one is None for one in values):
        return None
    pairs = zip(values, otherwise, strict=True)
    return np.concatenate([other if one is None else one for one, other in pairs])


def _names(values: Any) -> NDArray[Any] | None:
    if values is None:
        return None
    import pandas as pd

    column = pd.Series(np.asarray(values).ravel()).astype(object)
    return column.where(column.notna(), None).to_numpy(object)


def _moments(values: Any) -> NDArray[np.float64] | None:
    if values is None:
        return None
    import pandas as pd

    column = pd.Series(np.asarray(values).ravel())
    try:
        if not pd.api.types.is_numeric_dtype(column):
            days = pd.to_datetime(column, utc=True, format="ISO8601").astype("datetime64[us, UTC]")
            column = days.astype("int64").where(days.notna()) / 1e6
        moments = column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise DataError(f"time must be dates, 2026-01-31, or numbers; got: {why}") from error
    unknown = np.flatnonzero(~np.isfinite(moments))
    if len(unknown):
        got = f"{counted(len(unknown), 'missing one')}, first in row {unknown[0] + 1}"
        raise DataError(f"time must be known for each row; got {got}")
    return moments


def _weights(values: Any) -> NDArray[np.float64] | None:
    if values is None:
        return None
    try:
        weights = np.asarray(values, np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise DataError(f"weights must be numbers; got: {error}") from error
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong) or not weights.any():
        got = f"{weights[wrong[0]]:g} in row {wrong[0] + 1}" if len(wrong) else "zeros"
        raise DataError(f"weights must be numbers of at least 0, not all 0; got {got}")
    return weights
