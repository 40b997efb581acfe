"""Samples: features with labels and weights, divided into folds for choices inside a method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from scipy import sparse

from fourfold.core.folds import count_folds, make_splits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Sample", "canonical_order"]

FOLDS: Final = 3
BLOCK: Final = 8192
"""Rows that are copied at a time."""


@final
class Sample(NamedTuple):
    """Features (n, d), labels and weights (n,), and groups and times (n,) that folds respect."""

    x: Floats
    y: NDArray[Any]
    weight: Floats
    groups: NDArray[np.intp] | None = None
    time: NDArray[np.float64] | None = None

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Sample:
        """Return some rows."""
        return Sample(
            self.x[rows],
            self.y[rows],
            self.weight[rows],
            None if self.groups is None else self.groups[rows],
            None if self.time is None else self.time[rows],
        )

    def joined(self, other: Sample) -> Sample:
        """Return the rows of both, without groups and times."""
        parts = [(one.x, one.y, one.weight) for one in (self, other)]
        return Sample(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))

    def drawn(self, most: int | None) -> Sample:
        """Return all rows, or so many of them, drawn by their places alone."""
        if most is None or len(self.y) <= most:
            return self
        return self.at(np.sort(np.random.default_rng(0).permutation(len(self.y))[:most]))

    def thinned(self, most: int | None) -> Sample:
        """Return at most so many rows, which weigh together as all do."""
        few = self.drawn(most)
        return few._replace(weight=np.float32(len(self.y) / len(few.y)) * few.weight)

    def splits(
        self, *, stratified: bool, max_rows: int | None = None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the positions to learn from and those held out, for each fold; maybe of none."""
        y, groups, time = self.y, self.groups, self.time
        n = count_folds(y, FOLDS, stratified=stratified, groups=groups, time=time)
        if not n:  # some fold would lack a class
            return []
        return make_splits(
            y, n, 0, stratified=stratified, max_rows=max_rows, groups=groups, time=time
        )


def canonical_order(x: Any, y: NDArray[Any], weight: Floats) -> NDArray[np.intp]:
    """Order rows (n, d), maybe sparse, along a direction.

    Nothing is drawn by a seed, so their own order must not matter.

    Folds depend on it, and so do the last steps of a solver.
    """
    direction = np.random.default_rng(0).standard_normal(x.shape[1])
    if sparse.issparse(x):
        return np.lexsort((weight, *np.atleast_2d(y.T), x @ direction))
    blocks = (np.nan_to_num(x[i : i + BLOCK]) for i in range(0, max(1, len(x)), BLOCK))
    along = np.concatenate([np.einsum("nd,d->n", block, direction) for block in blocks])
    return np.lexsort((weight, *np.atleast_2d(y.T), along))
