"""Pool: which rows may be picked, and which were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Codes = NDArray[np.intp]
    Floats = NDArray[np.float64]

__all__ = ["Pick", "Picking", "Pool"]


class Pick(NamedTuple):
    """A picked row of a pool, and the reason in a few words."""

    row: int
    why: str


@final
@dataclass(frozen=True)
class Pool:
    """Rows to pick from.

    Attributes
    ----------
    labelled
        (n,) whether a row has a label, or is none to pick.
    alike
        (n,) codes; equal rows share one.
    groups
        (n,) codes of their groups; None where each row stands alone.
    """

    labelled: Flags
    alike: Codes
    groups: Codes | None = None

    @property
    def free(self) -> Flags:
        """Whether a row equals no labelled one, (n,)."""
        return ~np.isin(self.alike, self.alike[self.labelled])

    @property
    def n_free(self) -> int:
        """Number of different rows that may be picked."""
        return len(np.unique(self.alike[self.free]))


@final
@dataclass
class Picking:
    """Picks from a pool, one after the other; equal rows are picked once.

    Attributes
    ----------
    covered
        (n,) whether a row is labelled or picked.
    free
        (n,) whether it equals neither.
    """

    pool: Pool
    covered: Flags = field(init=False)
    free: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.covered, self.free = self.pool.labelled.copy(), self.pool.free

    @property
    def open(self) -> Flags:
        """Whether a row may be picked next, (n,): free ones of groups with the fewest covered."""
        groups = self.pool.groups
        if groups is None:
            return self.free
        known = np.bincount(groups[self.covered], minlength=groups.max() + 1)[groups]
        return np.asarray(self.free & (known == known[self.free].min(initial=len(groups))))

    def take(self, row: int) -> None:
        """Pick a row, so that its equals are not free any more."""
        self.covered[row] = True
        self.free &= self.pool.alike != self.pool.alike[row]
