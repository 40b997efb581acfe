"""Splits: held-out labels or rows, and the rating of models on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from fourfold.core.dependent_folds import merge_groups
from fourfold.core.folds import count_folds, divisible, make_folds
from fourfold.data.labels import shown_label
from fourfold.errors import some
from fourfold.study.dependence import group_names, later_rows, without_groups
from fourfold.study.diagnostics.identifiers import repeated_identifiers
from fourfold.study.overlap import find_overlap, first_of_equals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.scores import Score

__all__ = ["WHOLE", "Halves", "HiddenLabels", "Split", "Splits", "several_groups"]

WHOLE: Final = "the same folds, no group divided, corrected resampled t"
"""Basis of verdicts with groups."""


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
    forward
        Whether splits are cuts in time, the same for each seed.
    every_seed
        Whether each seed has splits even where rows to evaluate on judge.
    """

    count: int
    judged_by: str = "the same folds, corrected resampled t"
    forward: bool = False
    every_seed: bool = True

    @property
    def share(self) -> float:
        """Held-out share of the rows that are learnt from or held out in a split."""
        if self.forward:  # a block is learnt from all blocks before it
            return fmean(1 / (before + 1) for before in range(1, self.count + 1))
        return 1 / max(self.count, 1)

    def independent(self, differences: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average differences, one a seed × split, over seeds where all have the same splits."""
        return differences.reshape(-1, self.count).mean(axis=0) if self.forward else differences

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

    Equal rows are held out together, unless they are common. A class that has a single label then
    is learnt from in each fold; there are no folds where fewer than two classes have more.
    Rows of one group are held out together, and with them those that equal one; sources lack the
    rows of held-out groups. With times, what is held out comes after what is learnt from the
    target.

    More folds of the same few labels tell little more (Nadeau & Bengio, 2003), so that where rows
    to evaluate on judge the first seed alone is divided.
    """

    every_seed = False

    def __init__(self, sources: Sequence[Domain], target: Domain, task: Task, most: int) -> None:
        self.sources, self.target, self.count = list(sources), target, 0
        self.stratified = task.stratified
        self.groups: NDArray[np.intp] | None = None
        self.time = target.annotations.time
        if target.n_labelled:
            self.first = first_of_equals(target, sources)
            self.repeated = len(self.first) - len(np.unique(self.first))
            self._respect_groups()
            self.apart = np.unique(self.first)
            self.count = count_folds(self._drawn, most, stratified=self.stratified, **self._beside)

    def _respect_groups(self) -> None:
        """Join groups of the target's rows that hold equal rows; each row is drawn by itself then.

        With times alone, equal rows may come again, as they may later.
        """
        codes, where = self.target.annotations.group_codes, np.flatnonzero(self.target.labelled)
        if codes is not None:
            first = np.arange(len(codes))
            first[where] = where[self.first]
            self.groups = merge_groups(codes, first)
            self.judged_by = WHOLE
        elif self.time is not None:
            self.forward = True
            self.judged_by = "the same cuts in time, corrected resampled t over cuts"
        if codes is not None or self.time is not None:
            self.first = np.arange(len(where))

    @property
    def _beside(self) -> dict[str, Any]:
        """Groups and times of the rows that folds are drawn from."""
        labelled = self.target.labelled
        pairs = {"groups": self.groups, "time": self.time}
        return {name: None if one is None else one[labelled] for name, one in pairs.items()}

    @property
    def _drawn(self) -> NDArray[Any]:
        """Labels of the rows that folds are drawn from: the first of equal ones."""
        return self.target.known[self.apart]

    def parts(self, seed: int) -> list[Index]:
        """Return the positions of each fold's labelled rows, classes in proportion."""
        if not self.count:
            return []
        where = np.flatnonzero(self.target.labelled)
        parts = make_folds(
            self._drawn, self.count, seed, stratified=self.stratified, **self._beside
        )
        return [where[np.isin(self.first, self.apart[held])] for held in parts]

    def apply(self, held: Index) -> Split:
        names = group_names(self.target, held)
        sources = [without_groups(source, names) for source in self.sources]
        return Split(sources, self._left(held), self.target.subset(held))

    def _left(self, held: Index) -> Domain:
        """Return the target to learn from: with times, only rows before the held-out ones."""
        if self.time is None:
            return self.target.hide(held)
        kept = self.time < self.time[held].min()
        if self.groups is not None:
            kept &= ~np.isin(self.groups, self.groups[held])
        return self.target.subset(np.flatnonzero(kept))

    def truth(self, held: Index) -> NDArray[Any]:
        return self.target.subset(held).known

    def caveats(self) -> list[str]:
        if not self.count:
            return []
        n, said = self.target.n_labelled, []
        alone = ~divisible(self._drawn) if self.stratified else np.zeros(len(self._drawn), bool)
        if alone.any() and self.groups is None and self.time is None:
            single = map(shown_label, np.unique(self._drawn[alone]).tolist())
            said.append(
                f"Of class {some(single, 4)} the target has a single label: it is "
                "learnt from in every fold, and held out in none."
            )
        if self.repeated and not self.forward:
            said.append(
                f"{self.repeated} of {n} labelled rows of the target repeat others; equal rows are "
                "held out together."
            )
        said += self._dependence()
        found = find_overlap(self.target, {"source": self.sources})
        if len(found.rows) and not found.by_chance:
            said.append(
                f"{len(found.rows)} of {n} labelled rows of the target are also {found.where}: "
                "where they are held out, they are still learnt from there."
            )
        return said

    def _dependence(self) -> list[str]:
        """List the effects of groups and times, and of identifiers without groups."""
        said, known = [], group_names(self.target, self.target.labelled)
        shared = {g for one in self.sources for g in known & group_names(one, one.labelled)}
        if shared:
            said.append(
                f"{len(shared)} of {len(known)} groups of the target have rows in the source, too; "
                "these are left out of it where the group is held out, but not a whole class."
            )
        if self.groups is not None and self.stratified:
            pairs = zip(self.target.known.tolist(), self.groups[self.target.labelled], strict=True)
            of_class = Counter(label for label, _ in set(pairs))
            if single := sorted((repr(k) for k, n in of_class.items() if n == 1)):
                said.append(
                    f"All labels of class {some(single, 4)} are of one group: it is learnt from in "
                    "every fold, and held out in none."
                )
        if self.time is not None:
            first = min(float(self.time[part].min()) for part in self.parts(0))
            said += later_rows(first, self.sources)
        return said + repeated_identifiers(self.target)

    def rate(self, score: Score, outcomes: Sequence[Outcome]) -> list[float]:
        held = [self.target.subset(o.held) for o in outcomes]
        pairs = zip(outcomes, held, strict=True)
        return [score(o.task, h.known, o.outputs["held"], h.known_weight) for o, h in pairs]

    def chosen_by(self, score: Score) -> str:
        if self.forward:
            cuts = f"{self.count} cuts in time" if self.count > 1 else "a cut in time"
            return f"{cuts} of the target's labels, learnt before and judged after, {score.words}"
        whole = "" if self.groups is None else "groups whole, "
        after = "" if self.time is None else "judged after what is learnt, "
        folds = f"{self.count}-fold cross-validation on the target's labels"
        return f"{folds}, {whole}{after}{score.words}"


@final
class Halves(Splits):
    """Stability of clusters: models of two halves of the target should cluster all rows alike.

    No group is divided between the halves.

    References
    ----------
    Lange, Roth, Braun & Buhmann, Stability-Based Validation of Clustering Solutions, 2004.
    """

    count = 2
    every_seed = False
    judged_by = "stability over seeds, corrected resampled t"

    def __init__(self, sources: Sequence[Domain], target: Domain) -> None:
        self.sources, self.target = list(sources), target

    def parts(self, seed: int) -> list[Index]:
        """Return the positions of the rows outside each half."""
        groups = several_groups(self.target, np.arange(self.target.n_rows))
        if groups is not None:
            return [*make_folds(groups, 2, seed, stratified=False, groups=groups)]
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
        pairs = zip(outcomes[::2], outcomes[1::2], strict=True)
        return [score(b.task, a.predictions("held"), b.outputs["held"]) for a, b in pairs]

    def chosen_by(self, score: Score) -> str:
        del score
        return "agreement: how alike the other candidates cluster the target's rows"


def several_groups(domain: Domain, index: Index | NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return the groups of some rows; None without groups, or where all are of one."""
    codes = domain.annotations.group_codes
    return None if codes is None or len(np.unique(codes[index])) < 2 else codes[index]
