"""What a method found out beside its model: plain values that the report draws."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Bars", "Curves", "Facts", "Finding", "HeatMap", "from_json", "to_json"]


@final
@dataclass(frozen=True)
class Curves:
    """Lines over one axis.

    Attributes
    ----------
    title, across, up
        What it shows, and what the axes are.
    x
        (n,) places, evenly spaced: numbers or names.
    lines
        Name → (n,) heights; NaN where there is none.
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
        What it shows, and what columns and rows are.
    columns, rows
        Their names.
    values
        (rows, columns); NaN where there is none.
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
    """Named values, each a line of text.

    Attributes
    ----------
    title
        What they are about.
    values
        Name → value, as a person reads it.
    """

    title: str
    values: dict[str, str]


@final
@dataclass(frozen=True)
class Bars:
    """Named amounts, some of which may be below zero.

    Attributes
    ----------
    title, across
        What it shows, and what the amounts are.
    names
        (n,) from the top on.
    values
        (n,) amounts.
    notes
        (n,) more words on each.
    """

    title: str
    across: str
    names: list[str]
    values: list[float]
    notes: list[str]


Finding: TypeAlias = Curves | HeatMap | Facts | Bars

_KINDS: Final = {kind.__name__: kind for kind in (Curves, HeatMap, Facts, Bars)}


def to_json(finding: Finding) -> dict[str, Any]:
    """Return what JSON can hold of a finding."""
    return {"kind": type(finding).__name__, **asdict(finding)}


def from_json(raw: Mapping[str, Any]) -> Finding:
    """Read what :func:`to_json` wrote.

    Raises
    ------
    KeyError, TypeError
        If it is none.
    """
    values = dict(raw)
    made: Finding = _KINDS[values.pop("kind")](**values)
    return made
