"""Which classes a model takes for which, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Confused", "most_confused"]


@final
@dataclass(frozen=True)
class Confused:
    """A class that was taken for another.

    Attributes
    ----------
    truth, guess
        What it was, and what the model said.
    rows, share
        How often, and in percent of the true class's rows.
    """

    truth: str
    guess: str
    rows: int
    share: float


def most_confused(
    classes: Sequence[str], confusion: Sequence[Sequence[int]], most: int = 5
) -> list[Confused]:
    """Find the mistakes that were made most often, at most so many.

    Parameters
    ----------
    classes
        K names.
    confusion
        (K, K): true × predicted counts.
    most
        How many to return.
    """
    mistakes = [
        Confused(classes[i], classes[j], rows, 100 * rows / sum(row))
        for i, row in enumerate(confusion)
        for j, rows in enumerate(row)
        if i != j and rows
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.rows)[:most]
