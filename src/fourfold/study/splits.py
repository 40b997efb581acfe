"""Splits: what is kept from a fit, to rate it by: labels, whole classes, or half of the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from fourfold.core.folds import count_folds, make_folds
from fourfold.core.tasks import Classification
from fourfold.data.domain import Domain, pool
from fourfold.study.scores import HarmonicMean, Stability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Index
    from fourfold.study.runs import Outcome
    from fourfold.study.scores import Score

__all__ = ["Halves", "HeldClasses", "HiddenLabels", "Posed", "Splits", "folds_for"]


class Posed(NamedTuple):
    """What a fit is given, and what it is asked.

    Attributes
    ----------
    sources, target
        What it learns from.
    asked
        The rows that it is asked about; their labels are not looked at.
    """

    sources: list[Domain]
    target: Domain
    asked: Domain


class Splits(ABC):
    """A way to keep something from a fit, and to rate what the model then says.

    Attributes
    ----------
    count
        Splits a seed; 0 where nothing can be kept.
    share
        Of what there is that is kept in a split.
    judged_by
        What verdicts stand on where nobody brings rows to evaluate on.
    """

    count: int
    share: float
    judged_by: str = "the same folds, corrected resampled t"

    @abstractmethod
    def parts(self, seed: int) -> list[Index]:
        """Say what each split of a seed keeps."""

    @abstractmethod
    def pose(self, held: Index) -> Posed:
        """Return what a fit that is kept from this is given, and asked."""

    @abstractmethod
    def chosen_by(self, score: Score) -> str:
        """Say in a few words how a model is chosen by these splits."""

    @abstractmethod
    def truth(self, held: Index) -> NDArray[Any]:
        """Return the labels (n,) of the rows that are asked about; (0,) if there are none."""

    def rate(self, score: Score, outcome: Outcome, held: Index) -> float:
        """Rate what the model of one split says."""
        return score(outcome.task, self.truth(held), outcome.outputs["held"])

    def rated(
        self,
        score: Score,
        outcomes: Sequence[Outcome],
        held: Mapping[tuple[int, int], Index],
    ) -> list[float]:
        """Rate what the models of all splits say, in the order of seeds and splits."""
        return [self.rate(score, o, held[o.seed, o.split or 0]) for o in outcomes]


@final
class HiddenLabels(Splits):
    """Some of the target's labels are hidden: cross-validation.

    Parameters
    ----------
    sources, target
        The data.
    task
        Fitted.
    count
        Folds; 0 for none.
    """

    def __init__(self, sources: Sequence[Domain], target: Domain, task: Task, count: int) -> None:
        self.sources, self.target, self.count = list(sources), target, count
        self.share = 1 / max(count, 1)
        self.classes = isinstance(task, Classification)

    def parts(self, seed: int) -> list[Index]:
        """Split the labelled rows, classes in proportion: the positions of each fold."""
        if not self.count:
            return []
        where = np.flatnonzero(self.target.labelled)
        parts = make_folds(self.target.known, self.count, seed, stratified=self.classes)
        return [where[held] for held in parts]

    def pose(self, held: Index) -> Posed:
        return Posed(self.sources, self.target.hide(held), self.target.subset(held))

    def truth(self, held: Index) -> NDArray[Any]:
        y = self.target.y
        return np.full(len(held), np.nan) if y is None else y[held]

    def chosen_by(self, score: Score) -> str:
        return f"{self.count}-fold cross-validation on the target's labels, {score.name}"


@final
class HeldClasses(Splits):
    """Some of the source's classes are held out, and recognized by their descriptions.

    Parameters
    ----------
    sources, target
        The data, with descriptions.
    most
        Folds, at most, but as many as it takes to leave four classes to learn from; there are none
        where a fold would then have fewer than two classes.
    generalized
        Whether rows of the other classes are asked about, too.
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
        self.share = 1 / max(self.count, 1)

    def parts(self, seed: int) -> list[Index]:
        """Deal the classes out: the positions of each fold's among the sorted names."""
        if not self.count:
            return []
        order = np.random.default_rng(seed).permutation(len(self.names))
        ends = np.linspace(0, len(order), self.count + 1).astype(int).tolist()
        return [np.sort(order[a:b]) for a, b in pairwise(ends)]

    def pose(self, held: Index) -> Posed:
        kept, asked = self._positions(held)
        unseen = self.names[held].tolist()
        known = self.target.classes
        described = self.source.classes.joined(known) if self.source.classes is not None else known
        if described is None:
            raise AssertionError("only described classes are held out")
        asked_for = self.names.tolist() if self.generalized else unseen
        rows = self.source.subset(asked)
        learnt = self.source.subset(kept).described(described.subset(self.names.tolist()))
        target = Domain(rows.rows, classes=described.subset(asked_for), name=self.target.name)
        return Posed([learnt], target, rows)

    def _positions(self, held: Index) -> tuple[Index, Index]:
        """Return the rows that are learnt from, and those that are asked about."""
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
        y = self.source.subset(self._positions(held)[1]).y
        return np.empty(0) if y is None else y

    def rate(self, score: Score, outcome: Outcome, held: Index) -> float:
        if isinstance(score, HarmonicMean):  # other classes are the seen ones here
            score = HarmonicMean(np.delete(self.names, held).tolist())
        return super().rate(score, outcome, held)

    def chosen_by(self, score: Score) -> str:
        return (
            f"{score.name.replace('_', ' ')} on classes of the source that were held out in turn, "
            f"in {self.count} folds"
        )


@final
class Halves(Splits):
    """A fit sees half of the target's rows; models of both halves should cluster all rows alike.

    Parameters
    ----------
    sources, target
        The data.

    References
    ----------
    Lange, Roth, Braun & Buhmann, Stability-Based Validation of Clustering Solutions, 2004.
    """

    count = 2
    share = 0.5
    judged_by = "stability over seeds, corrected resampled t"

    def __init__(self, sources: Sequence[Domain], target: Domain) -> None:
        self.sources, self.target = list(sources), target

    def parts(self, seed: int) -> list[Index]:
        """Deal the rows out: the positions of those that each half lacks."""
        order = np.random.default_rng(seed).permutation(self.target.n_rows)
        middle = len(order) // 2
        return [np.sort(order[:middle]), np.sort(order[middle:])]

    def pose(self, held: Index) -> Posed:
        kept = np.setdiff1d(np.arange(self.target.n_rows), held)
        return Posed(self.sources, self.target.subset(kept), self.target)

    def truth(self, held: Index) -> NDArray[Any]:
        del held
        return np.empty(0)

    def rated(
        self,
        score: Score,
        outcomes: Sequence[Outcome],
        held: Mapping[tuple[int, int], Index],
    ) -> list[float]:
        del held
        ones, others = outcomes[::2], outcomes[1::2]
        return [
            score(other.task, one.outputs["held"].argmax(axis=1), other.outputs["held"])
            for one, other in zip(ones, others, strict=True)
        ]

    def chosen_by(self, score: Score) -> str:
        del score
        return f"{Stability.name}: how alike models of two halves of the target cluster all of it"


def folds_for(task: Task, target: Domain, most: int) -> int:
    """Tell in how many folds the labels can be split; 0 if some class has one label only."""
    if not target.n_labelled:
        return 0
    return count_folds(target.known, most, stratified=isinstance(task, Classification))
