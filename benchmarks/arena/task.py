"""Tasks: a pair of domains, a number of labels and a draw of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
import pandas as pd

from fourfold.data.rows import Rows as EncodedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fourfold import Domain

__all__ = ["Case", "Pair", "Rows", "Task", "draw_each", "draw_few"]


class Rows(NamedTuple):
    """Inputs of any kind, and their labels, if they have some.

    Attributes
    ----------
    X
        A data frame, pictures (n, H, W) uint8, a list of texts, sounds that are decoded when they
        are read, or counts (n, m).
    y
        (n,) labels; None without labels.
    """

    X: Any
    y: NDArray[Any] | None = None

    def at(self, index: NDArray[np.intp]) -> Rows:
        """Return some rows."""
        return Rows(_take(self.X, index), None if self.y is None else self.y[index])

    def domain(self, name: str, classes: Mapping[Any, Any] | None = None) -> Domain:
        """Return the same rows as a domain."""
        from fourfold import Domain

        return Domain(self.X, self.y, classes=classes, name=name)


@final
@dataclass(frozen=True)
class Case:
    """Data of one task, the same for a study and for scripts.

    Attributes
    ----------
    source, target
        What is learnt from; the target has few labels, or none.
    evaluate
        What is judged on: other rows than the labelled ones.
    seen, asked
        Class → its description: of the source's classes and of those in question, or None.
    clusters
        Number of clusters to look for, or None.
    """

    source: Rows
    target: Rows
    evaluate: Rows
    seen: Mapping[Any, Any] | None = None
    asked: Mapping[Any, Any] | None = None
    clusters: int | None = None

    @property
    def unjudged(self) -> Case:
        """The same without labels to evaluate on: all that a script gets."""
        evaluate = Rows(self.evaluate.X)
        return Case(self.source, self.target, evaluate, self.seen, self.asked, self.clusters)

    @property
    def learnt(self) -> tuple[Domain, Domain]:
        """Source and target."""
        source = self.source.domain("source", self.seen)
        return source, self.target.domain("target", self.asked)

    @property
    def labels(self) -> NDArray[Any]:
        """Labels to answer like: the target's, or else the source's; (0,) of other classes."""
        found = self.source.y if self.target.y is None else self.target.y
        return np.empty(0) if found is None or self.asked is not None else found


@final
@dataclass(frozen=True)
class Pair:
    """A source and a target.

    Attributes
    ----------
    name
        Of letters that a file may have.
    family
        The data that it is drawn from; pairs of one family are not independent.
    group
        ``"tables"``, ``"pictures"``, ``"texts"``, ``"sounds"``, ``"selftaught"``, ``"zeroshot"``,
        ``"adaptation"`` or ``"clustering"``.
    metric
        ``"auc"``, ``"accuracy"``, ``"balanced_accuracy"``, ``"r2"`` or ``"nmi"``.
    budgets
        Numbers of labels, or of labels a class if ``each``; of rows to cluster.
    draws
        Number of draws of each budget.
    build
        From a budget and a draw to the data.
    each
        Whether budgets count the labels of each class.
    encoder
        Whether texts are read by a sentence encoder.
    """

    name: str
    family: str
    group: str
    metric: str
    budgets: tuple[int, ...]
    draws: int
    build: Callable[[int, int], Case]
    each: bool = False
    encoder: bool = False

    @property
    def tasks(self) -> list[Task]:
        """All draws of all budgets."""
        return [Task(self, budget, d) for d in range(self.draws) for budget in self.budgets]


@final
@dataclass(frozen=True)
class Task:
    """One question: a pair, a budget of labels, and the number of the draw."""

    pair: Pair
    budget: int
    draw: int

    @property
    def name(self) -> str:
        """Name of the task, also of its files."""
        return f"{self.pair.name}/{self.budget}/{self.draw}"

    @property
    def fields(self) -> dict[str, Any]:
        """All that is worth keeping beside a measurement."""
        pair = self.pair
        return {
            "task": self.name,
            "pair": pair.name,
            "budget": self.budget,
            "draw": self.draw,
            "family": pair.family,
            "group": pair.group,
            "metric": pair.metric,
            "each": pair.each,
            "encoder": pair.encoder,
        }

    def build(self) -> Case:
        """Return the data."""
        return self.pair.build(self.budget, self.draw)


def _take(X: Any, index: NDArray[np.intp]) -> Any:
    """Return some rows of inputs of any kind."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[index].reset_index(drop=True)
    if isinstance(X, list):
        return [X[i] for i in index]
    return X.subset(index) if isinstance(X, EncodedRows) else X[index]


def draw_few(y: NDArray[Any], n: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Draw n rows; of classes in proportion to their shares, and at least two of each."""
    order = random.permutation(len(y))
    if y.dtype.kind == "f":
        return np.sort(order[:n])
    names, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    wanted = np.maximum(np.floor(counts * n / len(y)).astype(int), 2)
    wanted[counts.argmax()] += n - wanted.sum()
    codes = codes[order]
    parts = [order[codes == k][:m] for k, m in zip(range(len(names)), wanted, strict=True)]
    return np.sort(np.concatenate(parts))


def draw_each(y: NDArray[Any], n: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Draw n rows of each class."""
    return np.sort(
        np.concatenate(
            [random.choice(np.flatnonzero(y == k), n, replace=False) for k in np.unique(y)]
        )
    )
