"""Base: a kind of additive model that methods wrap, a line or boosted trees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence  # noqa: TC003  read from the annotations
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, final

import numpy as np

from fourfold.algorithms.additive.boosting import (
    Objective,
    Size,
    count_trees,
    ensemble,
    grow,
    refit,
    tune,
)
from fourfold.algorithms.additive.lines import choose_alpha, fit_line
from fourfold.algorithms.additive.model import Additive
from fourfold.algorithms.linear import Affine
from fourfold.core.findings import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.converted import Converted
    from fourfold.algorithms.additive.goal import Goal
    from fourfold.algorithms.samples import Sample
    from fourfold.estimators.bases.features import Features

    Floats = NDArray[np.float64]

__all__ = ["Base", "Learnt", "Line", "Scored", "Trees"]

Scored: TypeAlias = "Additive | Converted"
"""A model with columns of scores."""

SMALL: Final = Size(leaves=4, trees=100, least=5, rate=0.05)
"""Trees for few labels, at most."""
ENOUGH: Final = 1000
"""Rows from which larger trees may learn."""
LIGHT: Final = 100
"""Trees that are enough to compare options by."""

MOST_ROWS: Final = 30_000
"""Rows of a source of which a line is learnt; of more, some stand for all."""

FLAG: Final = 10.0
"""Value of a flag for lines, so large that its coefficient is hardly penalized."""


class Learnt(NamedTuple):
    """A base with chosen hyper-parameters, its model, and LightGBM's texts, if it is of trees."""

    base: Base
    model: Scored
    texts: Sequence[str] = ()


class Base(ABC):
    """A kind of model, for some features and labels."""

    def seeded(self, seed: int) -> Self:
        """Return the base with a seed, where something is random."""
        del seed
        return self

    def lighter(self) -> Self:
        """Return a base that is quicker to fit, to compare options by."""
        return self

    def narrow(self, rows: Sample) -> Sample:
        """Return rows without last features that the base does not read."""
        return rows

    def settle(self, rows: Sample, offset: Floats | None = None) -> Self:
        """Return the base with a size for rows to be added to scores, where it has one."""
        del rows, offset
        return self

    @property
    def facts(self) -> tuple[Facts, ...]:
        """Chosen hyper-parameters, for the report."""
        return ()

    @property
    @abstractmethod
    def key(self) -> str:
        """Hyper-parameters that are given, as text."""

    @abstractmethod
    def learn(self, rows: Sample) -> dict[str, Any]:
        """Choose hyper-parameters on rows, and fit these; return JSON for :meth:`restore`."""

    @abstractmethod
    def restore(self, learnt: Mapping[str, Any]) -> Learnt:
        """Rebuild the result of :meth:`learn`."""

    @abstractmethod
    def fit(
        self, rows: Sample, offset: Floats | None = None, flags: NDArray[np.bool_] | None = None
    ) -> Scored:
        """Fit rows.

        Parameters
        ----------
        rows
            n features with labels.
        offset
            (n, columns) scores to which the model is added.
        flags
            (n,) a further feature; the model is for rows that have it.
        """


@final
@dataclass(frozen=True)
class Line(Base):
    """Logistic or ridge regression on the features for lines; alpha is its L2 penalty."""

    features: Features
    goal: Goal
    alpha: float | None = None

    def alpha_for(self, rows: Sample, offset: Floats | None = None) -> float:
        """Return the penalty that is given, or one for rows beside scores."""
        if self.alpha is not None:
            return self.alpha
        return choose_alpha(self._cut(rows), self.goal, offset)

    @property
    def key(self) -> str:
        return f"line {self.alpha}"

    def learn(self, rows: Sample) -> dict[str, Any]:
        rows = rows.thinned(MOST_ROWS)
        alpha = self.alpha_for(rows)
        line = replace(self, alpha=alpha).fit(rows).line
        return {"alpha": alpha, "line": [part.tolist() for part in line]}

    def restore(self, learnt: Mapping[str, Any]) -> Learnt:
        line = Affine(*(np.array(part) for part in learnt["line"]))
        return Learnt(replace(self, alpha=learnt["alpha"]), self._model(line))

    def fit(
        self, rows: Sample, offset: Floats | None = None, flags: NDArray[np.bool_] | None = None
    ) -> Additive:
        part = self._cut(rows)
        alpha = self.alpha_for(rows, offset)
        if flags is None:
            line = fit_line(part, self.goal, alpha, offset)
        else:
            flagged = part._replace(x=np.column_stack([part.x, np.float32(FLAG) * flags]))
            found = fit_line(flagged, self.goal, alpha, offset)
            line = Affine(found.weight[:-1], found.bias + FLAG * found.weight[-1])
        return self._model(line)

    def _model(self, line: Affine) -> Additive:
        return Additive(self.goal, line, self.features.width, self.features.start)

    def _cut(self, rows: Sample) -> Sample:
        return rows._replace(x=rows.x[:, self.features.start :])


@final
@dataclass(frozen=True)
class Trees(Base):
    """Trees boosted by LightGBM on the features for trees, with a direction of each or without."""

    features: Features
    goal: Goal
    seed: int = 0
    size: Size | None = None
    directions: tuple[int, ...] = ()

    def _size_for(self, rows: Sample) -> Size:
        """Return the size that is given, or one for the first column."""
        if self.size is not None:
            return self.size
        (first, _), *_ = self._columns(self.narrow(rows), None)
        return tune(first, self._objective, self.features.categories, self.seed)

    def seeded(self, seed: int) -> Self:
        return replace(self, seed=seed)

    @property
    def key(self) -> str:
        return f"trees {self.size} {self.directions}"

    def learn(self, rows: Sample) -> dict[str, Any]:
        size = self._size_for(rows)
        return {"size": size, "texts": replace(self, size=size).grow(rows)}

    def restore(self, learnt: Mapping[str, Any]) -> Learnt:
        settled = replace(self, size=Size(*learnt["size"]))
        return Learnt(settled, settled.read(learnt["texts"]), learnt["texts"])

    def narrow(self, rows: Sample) -> Sample:
        return rows._replace(x=rows.x[:, : self._width])

    def lighter(self) -> Self:
        if self.size is None:
            return self
        return replace(self, size=self.size._replace(trees=min(self.count, LIGHT)))

    @property
    def facts(self) -> tuple[Facts, ...]:
        return (Facts("Boosted trees", {"number": f"{self.count}"}),)

    @property
    def count(self) -> int:
        """Number of trees, once it is chosen."""
        return self.size.trees if self.size is not None else 0

    def settle(self, rows: Sample, offset: Floats | None = None) -> Self:
        """Choose the size by early stopping, or of few rows the number of small trees by folds."""
        if offset is None and len(rows.y) >= ENOUGH:
            return replace(self, size=self._size_for(rows))
        how = (self._objective, SMALL, self.features.categories, self.seed)
        columns = self._columns(self.narrow(rows), offset)
        counts = [count_trees(one, *how, offset=scores) for one, scores in columns]
        return replace(self, size=SMALL._replace(trees=round(float(np.mean(counts)))))

    def fit(
        self, rows: Sample, offset: Floats | None = None, flags: NDArray[np.bool_] | None = None
    ) -> Additive:
        return self.read(self.grow(rows, offset, flags), flagged=flags is not None)

    def grow(
        self, rows: Sample, offset: Floats | None = None, flags: NDArray[np.bool_] | None = None
    ) -> list[str]:
        """Boost trees; return LightGBM's text of a model for all classes, or for each column."""
        size = self._size_for(rows)
        part, objective = self.narrow(rows), self._objective
        if flags is not None:
            part = part._replace(x=np.column_stack([part.x, flags.astype(np.float32)]))
            objective = objective._replace(directions=(*self.directions, 0))
        return [
            grow(one, objective, size, self.features.categories, self.seed, scores)
            for one, scores in self._columns(part, offset)
        ]

    def refit(self, texts: Sequence[str], rows: Sample, decay: float) -> list[str]:
        """Refit the leaves of LightGBM's texts to rows: decay·old + (1 − decay)·new values."""
        parts = self._columns(self.narrow(rows), None)
        pairs = zip(texts, parts, strict=True)
        return [refit(text, one, decay) for text, (one, _) in pairs]

    def read(self, texts: Sequence[str], *, flagged: bool = False) -> Additive:
        """Return the model of LightGBM's texts."""
        flag = (self._width, 1.0) if flagged else None
        nothing = np.zeros((self.features.width - self.features.start, self.goal.columns))
        line = Affine(nothing, np.zeros(self.goal.columns))
        trees = ensemble(texts, flag)
        some = trees if len(trees.outputs) else None
        return Additive(self.goal, line, self.features.width, self.features.start, some)

    @property
    def _width(self) -> int:
        """Number of features for trees; all, where no others are for lines."""
        return self.features.start or self.features.width

    @property
    def _objective(self) -> Objective:
        if not self.goal.apart:
            return Objective("multiclass", self.goal.outputs)
        kind = "regression" if self.goal.kind == "numbers" else "binary"
        return Objective(kind, directions=self.directions)

    def _columns(
        self, rows: Sample, offset: Floats | None
    ) -> Iterator[tuple[Sample, Floats | None]]:
        """Yield rows with the labels that one model is fitted to, and their offsets."""
        if not self.goal.apart:
            yield rows, offset
            return
        for at in range(self.goal.columns):
            y = self.goal.column(rows.y, at)
            on = ~np.isnan(y)
            one = rows._replace(y=y).at(on)
            yield one, None if offset is None else offset[on, at]
