"""Splits: held-out labels, classes or rows, and the rating of models on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from fourfold.core.folds import count_folds, make_folds
from fourfold.data.domain import Domain, pool
from fourfold.study.overlap import find_overlap, first_of_equals
from fourfold.study.scores import HarmonicMean, Stability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Index
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.scores import Score

__all__ = ["Halves", "HeldClasses", "HiddenLabels", "Split", "Splits"]


class Split(NamedTuple):
    """Training domains, and held-out rows, for which models answer without a look at labels."""

    sources: list[Domain]
    target: Domain
    asked: Domain


class Splits(ABC):
    """Repeated splits of the data, by which models are compared and chosen.

    Attributes
    ----------
    count
        Number of splits a seed; 0 where nothing can be held out.
    judged_by
        Basis of verdicts where there are no rows to evaluate on.
    """

    count: int
    judged_by: str = "the same folds, corrected resampled t"

    @property
    def share(self) -> float:
        """Held-out share of the data in a split."""
        return 1 / max(self.count, 1)

    @abstractmethod
    def parts(self, seed: int) -> list[Index]:
        """Return the held-out positions of each split of a seed."""

    @abstractmethod
    def apply(self, held: Index) -> Split:
        """Return the training domains and the held-out rows of the split at these positions."""

    @abstractmethod
    def chosen_by(self, score: Score) -> str:
        """Describe model selection by these splits in a few words."""

    @abstractmethod
    def truth(self, held: Index) -> NDArray[Any]:
        """Return the labels (n,) of the held-out rows; (0,) if there are none."""

    def caveats(self) -> list[str]:
        """List the effects of repeated rows on the splits, a sentence each."""
        return []

    @abstractmethod
    def rate(self, score: Score, outcomes: Sequence[Outcome]) -> list[float]:
        """Rate the outcomes of one method on all splits, in the order of seeds and splits."""


@final
class HiddenLabels(Splits):
    """Cross-validation on the target's labels, in at most ``most`` folds.

    Equal rows are held out together, unless they are common. There are no folds where some class
    has a single label then.
    """

    def __init__(self, sources: Sequence[Domain], target: Domain, task: Task, most: int) -> None:
        self.sources, self.target, self.count = list(sources), target, 0
        self.stratified = task.stratified
        if target.n_labelled:
            self.first = first_of_equals(target, sources)
            self.apart = np.unique(self.first)
            self.count = count_folds(self._drawn, most, stratified=self.stratified)

    @property
    def _drawn(self) -> NDArray[Any]:
        """Labels of the rows that folds are drawn from: the first of equal ones."""
        return self.target.known[self.apart]

    def parts(self, seed: int) -> list[Index]:
        """Return the positions of each fold's labelled rows, classes in proportion."""
        if not self.count:
            return []
        where = np.flatnonzero(self.target.labelled)
        parts = make_folds(self._drawn, self.count, seed, stratified=self.stratified)
        return [where[np.isin(self.first, self.apart[held])] for held in parts]

    def apply(self, held: Index) -> Split:
        return Split(self.sources, self.target.hide(held), self.target.subset(held))

    def truth(self, held: Index) -> NDArray[Any]:
        return self.target.subset(held).known

    def caveats(self) -> list[str]:
        if not self.count:
            return []
        n, said = self.target.n_labelled, []
        if len(self.apart) < n:
            said.append(
                f"{n - len(self.apart)} of {n} labelled rows of the target repeat others; equal "
                "rows are held out together."
            )
        found = find_overlap(self.target, {"source": self.sources})
        if len(found.rows) and not found.by_chance:
            said.append(
                f"{len(found.rows)} of {n} labelled rows of the target are also {found.where}: "
                "where they are held out, they are still learnt from there."
            )
        return said

    def rate(self, score: Score, outcomes: Sequence[Outcome]) -> list[float]:
        held = [self.target.subset(o.held) for o in outcomes]
        pairs = zip(outcomes, held, strict=True)
        return [score(o.task, h.known, o.outputs["held"], h.known_weight) for o, h in pairs]

    def chosen_by(self, score: Score) -> str:
        return f"{self.count}-fold cross-validation on the target's labels, {score.name}"


@final
class HeldClasses(Splits):
    """Cross-validation over classes of the source, recognized by their descriptions.

    There are at most ``most`` folds, but enough to leave four classes to learn from; none where a
    fold would then have fewer than two classes. Held-out rows include some of the other classes if
    ``generalized``.
    """

    def __init__(
        self, sources: Sequence[Domain], target: Domain, most: int, *, generalized: bool
    ) -> None:
        self.source, self.target = pool(sources), target
        self.generalized = generalized
        self.names = np.unique(self.source.known)
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
        unseen = np.isin(y, self.names[held])
        if not self.generalized:
            return where[~unseen], where[unseen]
        fifth = np.zeros(len(y), bool)  # of each seen class, every fifth row
        for name in np.setdiff1d(self.names, self.names[held]):
            fifth[np.flatnonzero(y == name)[::5]] = True
        return where[~unseen & ~fifth], where[unseen | fifth]

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
            f"{score.name.replace('_', ' ')} on classes of the source that were held out in turn, "
            f"in {self.count} folds"
        )


@final
class Halves(Splits):
    """Stability of clusters: models of two halves of the target should cluster all rows alike.

    References
    ----------
    Lange, Roth, Braun & Buhmann, Stability-Based Validation of Clustering Solutions, 2004.
    """

    count = 2
    judged_by = "stability over seeds, corrected resampled t"

    def __init__(self, sources: Sequence[Domain], target: Domain) -> None:
        self.sources, self.target = list(sources), target

    def parts(self, seed: int) -> list[Index]:
        """Return the positions of the rows outside each half."""
        order = np.random.default_rng(seed).permutation(self.target.n_rows)
        middle = len(order) // 2
        return [np.sort(order[:middle]), np.sort(order[middle:])]

    def apply(self, held: Index) -> Split:
        kept = np.setdiff1d(np.arange(self.target.n_rows), held)
        return Split(self.sources, self.target.subset(kept), self.target)

    def truth(self, held: Index) -> NDArray[Any]:
        del held
        return np.empty(0)

    def rate(self, score: Score, outcomes: Sequence[Outcome]) -> list[float]:
        ones, others = outcomes[::2], outcomes[1::2]
        return [
            score(other.task, one.predictions("held"), other.outputs["held"])
            for one, other in zip(ones, others, strict=True)
        ]

    def chosen_by(self, score: Score) -> str:
        del score
        return f"{Stability.name}: how alike models of two halves of the target cluster all of it"
