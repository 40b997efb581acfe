"""Members of the blend for tables: each from some target rows to scores of others."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, final

import numpy as np
import pandas as pd

from benchmarks.arena.peers.boosting import Size, boosted, scores_of, tuned_size
from benchmarks.arena.peers.linear import PENALTIES, fit_line, tuned_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.arena.peers.encoding import Encoded, Inputs
    from benchmarks.arena.peers.linear import Line

    Floats = NDArray[np.float64]
    Index = NDArray[np.intp]
    Scorer = Callable[[Inputs, Index], Floats]

__all__ = ["MEMBERS", "Learnt"]

TIMES: Final = 5.0
"""Weight of a target row beside one of the source."""
FLAG: Final = 10.0
"""Value of the domain flag, so large that its coefficient is hardly penalized."""
SLOPE: Final = 10.0
"""Penalty that pulls the slope of a recalibrated score to 1."""
SMALL: Final = Size(leaves=4, trees=60)
"""Boosting on few labels."""


@final
class Learnt:
    """Models of the source, and penalties, learnt once."""

    def __init__(self, table: Encoded) -> None:
        self.table, self.classes = table, table.classes
        X, y = table.source.dense, table.source_y
        few = np.random.default_rng(0).permutation(len(y))[:3000]  # enough to tune a penalty
        self.penalty = tuned_line(X[few], y[few], classes=self.classes, penalties=PENALTIES)
        self.line: Line = fit_line(X, y, self.penalty, classes=self.classes)
        self.size = tuned_size(table.source.frame, y, classes=self.classes)
        self.trees = boosted(table.source.frame, y, self.size, classes=self.classes)
        self._scores: dict[tuple[str, int], Floats] = {}

    def scores(self, kind: str, rows: Inputs) -> Floats:
        """Return the source model's scores of rows, computed once."""
        key = (kind, id(rows.frame))
        if key not in self._scores:
            self._scores[key] = (
                self.line(rows.dense)
                if kind == "linear"
                else scores_of(self.trees, rows.frame, classes=self.classes)
            )
        return self._scores[key]

    def tuned(self, offset: str | None = None) -> float:
        """Return the penalty that is best on the target's labels."""
        table = self.table
        scores = None if offset is None else self.scores(offset, table.target)
        return tuned_line(table.target.dense, table.y, classes=self.classes, offset=scores)

    @cached_property
    def penalties(self) -> dict[str, float]:
        """Penalties of the lines on the target alone."""
        return {
            "alone": self.tuned(),
            "linear": self.tuned("linear"),
            "boosted": self.tuned("boosted"),
        }


def _recalibrated(kind: str) -> Callable[[Learnt, Index], Scorer]:
    """Give the source's score an intercept of the target, and a slope near 1."""

    def fit(learnt: Learnt, train: Index) -> Scorer:
        table = learnt.table
        score = learnt.scores(kind, table.target)[train, None]
        scale = 1.0 if learnt.classes else float(score.std()) or 1.0
        line = fit_line(score / scale, table.y[train], SLOPE, classes=learnt.classes, centre=scale)
        return lambda rows, index: line(learnt.scores(kind, rows)[index, None] / scale)

    return fit


def _pooled_linear(learnt: Learnt, train: Index) -> Scorer:
    """Fit a line on both domains, with a flag, the target's rows counting more."""
    table = learnt.table
    X = np.concatenate([_flagged(table.source.dense, 0), _flagged(table.target.dense[train], FLAG)])
    y = np.concatenate([table.source_y, table.y[train]])
    weight = np.where(np.arange(len(y)) < len(table.source_y), 1.0, TIMES)
    line = fit_line(X, y, learnt.penalty, classes=learnt.classes, weight=weight)
    return lambda rows, index: line(_flagged(rows.dense[index], FLAG))


def _flagged(X: Floats, value: float) -> Floats:
    return np.column_stack([X, np.full(len(X), value)])


def _pooled_boosted(learnt: Learnt, train: Index) -> Scorer:
    """Boost trees on both domains, with a flag, the target's rows counting more."""
    table = learnt.table
    X = pd.concat(
        [table.source.frame.assign(_target=0), table.target.frame.iloc[train].assign(_target=1)]
    )
    y = np.concatenate([table.source_y, table.y[train]])
    weight = np.where(np.arange(len(y)) < len(table.source_y), 1.0, TIMES)
    model = boosted(X, y, learnt.size, classes=learnt.classes, weight=weight)
    return lambda rows, index: scores_of(
        model, rows.frame.iloc[index].assign(_target=1), classes=learnt.classes
    )


def _line_on_target(offset: str | None = None) -> Callable[[Learnt, Index], Scorer]:
    """Fit a line on the target: alone, or on top of a source's score.

    On top of a line of the source it is a line that is pulled to the source's coefficients (L2-SP).
    """

    def fit(learnt: Learnt, train: Index) -> Scorer:
        def beside(rows: Inputs, index: Index) -> Floats | float:
            return 0.0 if offset is None else learnt.scores(offset, rows)[index]

        table = learnt.table
        line = fit_line(
            table.target.dense[train],
            table.y[train],
            learnt.penalties[offset or "alone"],
            classes=learnt.classes,
            offset=beside(table.target, train),
        )
        return lambda rows, index: line(rows.dense[index], beside(rows, index))

    return fit


def _boosted_on_scores(learnt: Learnt, train: Index) -> Scorer:
    """Boost small trees on the target, with the source's scores among the features."""

    def features(rows: Inputs, index: Index) -> pd.DataFrame:
        scores = {f"_{kind}": learnt.scores(kind, rows)[index] for kind in ("linear", "boosted")}
        return rows.frame.iloc[index].assign(**scores)

    table = learnt.table
    X, y = features(table.target, train), table.y[train]
    model = boosted(X, y, SMALL, classes=learnt.classes, least=5)
    return lambda rows, index: scores_of(model, features(rows, index), classes=learnt.classes)


MEMBERS: Final[dict[str, Callable[[Learnt, Index], Scorer]]] = {
    "source linear, recalibrated": _recalibrated("linear"),
    "source boosted, recalibrated": _recalibrated("boosted"),
    "pooled linear": _pooled_linear,
    "pooled boosted": _pooled_boosted,
    "target linear": _line_on_target(),
    "linear pulled to source linear": _line_on_target("linear"),
    "linear on top of source boosted": _line_on_target("boosted"),
    "target boosted on source scores": _boosted_on_scores,
}
