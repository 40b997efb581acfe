"""The map in four quadrants, one for each pair of answers to its two questions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fourfold.methods import cells

if TYPE_CHECKING:
    from fourfold.methods.cell import Cell
    from fourfold.study.result import Result

__all__ = ["MapCell", "Quadrant", "quadrants"]


@final
@dataclass(frozen=True)
class MapCell:
    """One cell of the map.

    Attributes
    ----------
    cell
        The cell.
    here, applies
        Whether the data stand on it, and whether its methods apply to them.
    reason
        Reason why it applies or not; empty if unknown.
    """

    cell: Cell
    here: bool
    applies: bool
    reason: str


@final
@dataclass(frozen=True)
class Quadrant:
    """The cells with the same answers to the two questions.

    Attributes
    ----------
    source, target
        Whether the source and the target are labelled.
    cells
        Its cells.
    """

    source: bool
    target: bool
    cells: list[MapCell]


def quadrants(result: Result) -> list[Quadrant]:
    """Return the map by rows: labelled before unlabelled, the source before the target."""
    return [
        Quadrant(
            source,
            target,
            [
                _map_cell(cell, result)
                for cell in cells().values()
                if (cell.source_labelled, cell.target_labelled) == (source, target)
            ],
        )
        for source, target in itertools.product((True, False), repeat=2)
    ]


def _map_cell(cell: Cell, result: Result) -> MapCell:
    here, reason = cell.name == result.cell, result.place.get(cell.name, "")
    return MapCell(cell, here, cell.name in result.open, reason)
