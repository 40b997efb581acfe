"""The map as a page shows it: the two questions make four corners, the cells lie in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fourfold.methods import cells

if TYPE_CHECKING:
    from fourfold.methods.cell import Cell
    from fourfold.study.result import Result

__all__ = ["Corner", "Spot", "corners"]


@final
@dataclass(frozen=True)
class Spot:
    """One cell of the map.

    Attributes
    ----------
    cell
        The cell.
    here, applies
        Whether the user's data stand on it; whether its methods apply to them.
    reason
        Why it applies to them, or does not; empty if the study did not say.
    """

    cell: Cell
    here: bool
    applies: bool
    reason: str


@final
@dataclass(frozen=True)
class Corner:
    """The cells that share the answers to the map's two questions.

    Attributes
    ----------
    source, target
        Whether the source is labelled; whether the target is.
    spots
        Its cells.
    """

    source: bool
    target: bool
    spots: list[Spot]


def corners(result: Result) -> list[Corner]:
    """Lay out the map: labelled before unlabelled, the source's question before the target's."""
    return [
        Corner(
            source,
            target,
            [_spot(c, result) for c in cells().values() if _answers(c) == (source, target)],
        )
        for source, target in itertools.product((True, False), repeat=2)
    ]


def _answers(cell: Cell) -> tuple[bool, bool]:
    return cell.source_labelled, cell.target_labelled


def _spot(cell: Cell, result: Result) -> Spot:
    here, reason = cell.name == result.cell, result.place.get(cell.name, "")
    return Spot(cell, here, cell.name in result.open, reason)
