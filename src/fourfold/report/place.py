"""The map as a page shows it: the two questions make four corners, the cells lie in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from fourfold.planner import CELLS, Cell

if TYPE_CHECKING:
    from fourfold.study.result import Result

__all__ = ["TITLES", "Corner", "Spot", "corners"]

TITLES: Final = {
    "finetuning": "Fine-tuning",
    "multitask": "Multi-task learning",
    "progressive": "Progressive networks",
    "adaptation": "Domain adaptation",
    "zeroshot": "Zero-shot learning",
    "selftaught": "Self-taught learning",
    "clustering": "Self-taught clustering",
}
"""Cell → what it is called in a sentence."""


@final
@dataclass(frozen=True)
class Spot:
    """One cell of the map.

    Attributes
    ----------
    cell
        The cell.
    title
        What it is called.
    here, applies
        Whether the user's data stand on it; whether its methods apply to them.
    reason
        Why it applies to them, or does not; empty if the study did not say.
    """

    cell: Cell
    title: str
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
        Corner(source, target, [_spot(c, result) for c in CELLS if _answers(c) == (source, target)])
        for source in (True, False)
        for target in (True, False)
    ]


def _answers(cell: Cell) -> tuple[bool, bool]:
    return not cell.source.startswith("unlabelled"), not cell.target.startswith("unlabelled")


def _spot(cell: Cell, result: Result) -> Spot:
    here, reason = cell.name == result.cell, result.place.get(cell.name, "")
    return Spot(cell, TITLES[cell.name], here, cell.name in result.open, reason)
