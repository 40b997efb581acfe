"""The most frequent confusions of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Confused", "most_confused"]


@final
@dataclass(frozen=True)
class Confused:
    """A class that was predicted as another.

    Attributes
    ----------
    truth, guess
        True and predicted class.
    rows, share
        Number of such rows, and their percentage of the true class.
    """

    truth: str
    guess: str
    rows: int
    share: float


def most_confused(
    classes: Sequence[str], confusion: Sequence[Sequence[int]], most: int = 5
) -> list[Confused]:
    """Return the most frequent confusions.

    Parameters
    ----------
    classes
        K names.
    confusion
        (K, K) counts, true × predicted.
    most
        Largest number to return.
    """
    found = [
        Confused(classes[i], classes[j], rows, 100 * rows / sum(row))
        for i, row in enumerate(confusion)
        for j, rows in enumerate(row)
        if i != j and rows
    ]
    return sorted(found, key=lambda confused: -confused.rows)[:most]
