"""Classes of the source that are held out in turn, as unseen ones are."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.dependent_folds import divide_by_classes
from fourfold.data.domain import Domain
from fourfold.data.pooling import pool
from fourfold.study.scores import HarmonicMean
from fourfold.study.splits import WHOLE, Split, Splits, several_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.scores import Score

__all__ = ["HeldClasses"]


@final
class HeldClasses(Splits):
    """Cross-validation over classes of the source, recognized by their descriptions.

    There are at most ``most`` folds, but enough to leave four classes to learn from; none where a
    fold would then have fewer than two classes. Held-out rows include some of the other classes if
    ``generalized``. No group is divided: some of its rows are neither learnt from nor held out.
    """

    def __init__(
        self, sources: Sequence[Domain], target: Domain, most: int, *, generalized: bool
    ) -> None:
        self.source, self.target = pool(sources), target
        self.generalized = generalized
        self.names = np.unique(self.source.known)
        self.groups = several_groups(self.source, self.source.labelled)
        if self.groups is not None:
            self.judged_by = WHOLE
        n = len(self.names)
        enough = [folds for folds in range(2, n // 2 + 1) if n - -(-n // folds) >= 4]
        self.count = min(max(most, enough[0]), enough[-1]) if enough else 0

    def parts(self, seed: int) -> list[Index]:
        """Return the positions of each fold's classes among the sorted names."""
        order = np.random.default_rng(seed).permutation(len(self.names))
        ends = np.linspace(0, len(order), self.count + 1).astype(int).tolist()
        return [np.sort(order[a:b]) for a, b in pairwise(ends)]

    def apply(self, held: Index) -> Split:
        kept, asked = self._positions(held)
        unseen = self.names[held].tolist()
        known = self.target.classes
        described = self.source.classes.joined(known) if self.source.classes is not None else known
        if described is None:
            raise AssertionError("only described classes are held out")
        candidates = self.names.tolist() if self.generalized else unseen
        rows = self.source.subset(asked)
        source = self.source.subset(kept).described(described.subset(self.names.tolist()))
        target = Domain(rows.rows, classes=described.subset(candidates), name=self.target.name)
        return Split([source], target, rows)

    def _positions(self, held: Index) -> tuple[Index, Index]:
        """Return the positions of training rows and of held-out rows."""
        y = self.source.known
        where = np.flatnonzero(self.source.labelled)
        asked = np.isin(y, self.names[held])
        if self.generalized:  # of each seen class, every fifth row, or every fifth group
            for name in np.setdiff1d(self.names, self.names[held]):
                own = np.flatnonzero(y == name)
                if self.groups is None:
                    asked[own[::5]] = True
                else:
                    asked[own] = np.isin(self.groups[own], np.unique(self.groups[own])[1::5])
        learnt, judged = divide_by_classes(asked, y, self.groups)
        return where[learnt], where[judged]

    def truth(self, held: Index) -> NDArray[Any]:
        return self.source.subset(self._positions(held)[1]).known

    def rate(self, score: Score, outcomes: Sequence[Outcome]) -> list[float]:
        rates = []
        for o in outcomes:
            if isinstance(score, HarmonicMean):  # all classes but the held-out ones are seen
                score = HarmonicMean(np.delete(self.names, o.held).tolist())
            asked = self.source.subset(self._positions(o.held)[1])
            rates.append(score(o.task, asked.known, o.outputs["held"], asked.known_weight))
        return rates

    def chosen_by(self, score: Score) -> str:
        return (
            f"{score.words} on classes of the source that were held out in turn, "
            f"in {self.count} folds"
        )
