"""Findings of a method beside its model: curves, tables, facts and bars for the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAILURE", "Bars", "Curves", "Facts", "Finding", "HeatMap", "from_json", "to_json"]

FAILURE: Final = "Signs of failure"
"""Title of the facts by which a training is known to have failed; a study says them in a note."""


@final
@dataclass(frozen=True)
class Curves:
    """Lines over one axis.

    Attributes
    ----------
    title, across, up
        Title, and labels of the x axis and the y axis.
    x
        (n,) evenly spaced ticks: numbers or names.
    lines
        Name → (n,) values; NaN where one is missing.
    """

    title: str
    across: str
    up: str
    x: list[str]
    lines: dict[str, list[float]]

    def __str__(self) -> str:
        longest = max(map(len, (self.across, *self.lines)))
        rows = [f"{self.across:<{longest}}  " + "  ".join(f"{at:>5}" for at in self.x)]
        for name, line in self.lines.items():
            rows.append(f"{name:<{longest}}  " + "  ".join(f"{y:5.3f}" for y in line))
        return "\n".join(rows)


@final
@dataclass(frozen=True)
class HeatMap:
    """Values in the cells of a table.

    Attributes
    ----------
    title, across, down
        Title, and labels of the columns and the rows.
    columns, rows
        Names of the columns and the rows.
    values
        (rows, columns); NaN where one is missing.
    """

    title: str
    across: str
    down: str
    columns: list[str]
    rows: list[str]
    values: list[list[float]]


@final
@dataclass(frozen=True)
class Facts:
    """Named values, one line of text each.

    Attributes
    ----------
    title
        Title.
    values
        Name → value as text.
    """

    title: str
    values: dict[str, str]


@final
@dataclass(frozen=True)
class Bars:
    """Named amounts of either sign.

    Attributes
    ----------
    title, across
        Title, and label of the amounts.
    names
        (n,) names from top to bottom.
    values
        (n,) amounts.
    notes
        (n,) notes beside the amounts.
    """

    title: str
    across: str
    names: list[str]
    values: list[float]
    notes: list[str]


Finding: TypeAlias = Curves | HeatMap | Facts | Bars

_KINDS: Final = {kind.__name__: kind for kind in (Curves, HeatMap, Facts, Bars)}


def to_json(finding: Finding) -> dict[str, Any]:
    """Convert a finding to JSON."""
    return {"kind": type(finding).__name__, **asdict(finding)}


def from_json(raw: Mapping[str, Any]) -> Finding:
    """Convert JSON of :func:`to_json` to a finding.

    Raises
    ------
    KeyError, TypeError
        If it is not a finding.
    """
    values = dict(raw)
    made: Finding = _KINDS[values.pop("kind")](**values)
    return made
