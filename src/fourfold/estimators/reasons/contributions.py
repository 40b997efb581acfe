"""Contributions of the columns of rows to scores, and the strongest ones of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np
from scipy.special import expit, logit

from fourfold.algorithms.mixture import LEAST
from fourfold.core.tasks import Regression

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.calibration import Calibration
    from fourfold.algorithms.mixture import Mixture
    from fourfold.core.tasks import Task

    Floats = NDArray[np.float64]

__all__ = ["Contributions"]

CLOSE = 1e-6
"""Difference of scores below which a slope is taken at a point."""


@final
class Contributions(NamedTuple):
    """Contributions of columns to the scores of rows: base + Σ values over columns = scores.

    The scores are numbers in their units; of two classes the log-odds of the second, one score; of
    k classes log-probabilities less their mean, k scores; of yes/no answers the log-odds of each.

    Attributes
    ----------
    columns
        Names (m,); numbers of the features, from 0, of vectors.
    values
        (n, m, scores).
    base
        (scores,) the scores of a usual row.
    """

    columns: list[Any]
    values: Floats
    base: Floats

    @property
    def scores(self) -> Floats:
        """The scores that they add up to, (n, scores)."""
        return np.asarray(self.base + self.values.sum(axis=1))

    def strongest(
        self, k: int, of: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """Return the k columns (n, k) that move a score of each row most, and by how much.

        Parameters
        ----------
        k
            Number of columns, at most; of fewer columns all are returned.
        of
            (n,) the score; of two classes 0 or 1, the class for which they speak.
        """
        if self.values.shape[2] == 1:
            sign = np.where(of == 0, -1.0, 1.0)
            values = self.values[..., 0] * sign[:, None]
        else:
            values = self.values[np.arange(len(of)), :, of]
        order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :k]
        names = np.empty(len(self.columns), object)
        names[:] = self.columns
        return names[order], np.take_along_axis(values, order, axis=1)

    @classmethod
    def by_column(cls, features: Sequence[Any], values: Floats, base: Floats) -> Self:
        """Add up the values (n, d, scores) of features with the column of each."""
        columns = list(dict.fromkeys(features))
        of = {name: i for i, name in enumerate(columns)}
        whole = np.zeros((len(values), len(columns), values.shape[2]))
        for at, name in enumerate(features):
            whole[:, of[name]] += values[:, at]
        return cls(columns, whole, base)

    def scaled(self, slope: Any, shift: Any) -> Self:
        """Return those of scores times a slope, plus a shift."""
        return self._replace(values=self.values * slope, base=self.base * slope + shift)

    def centred(self) -> Self:
        """Return those of scores less their mean."""
        mean, base = self.values.mean(axis=2, keepdims=True), self.base - self.base.mean()
        return self._replace(values=self.values - mean, base=base)

    def calibrated(self, calibration: Calibration) -> Self:
        """Return those of calibrated outputs."""
        return self.scaled(calibration.slope, calibration.intercept)

    def in_units(self, task: Task) -> Self:
        """Return those of numbers as the user writes them, from standardized ones."""
        if not isinstance(task, Regression):
            return self
        return self.scaled(task.scale_, task.mean_)

    @classmethod
    def mixed(cls, task: Task, mixture: Mixture, parts: Sequence[Contributions]) -> Self:
        """Return those of a mixture, from those of its members on the same rows.

        Those of numbers, and of more than two classes, are averaged. Log-odds are averaged within
        bounds, or as probabilities; a member's are then multiplied by the slope of the mixture's in
        its own, between the usual row and the row, so that they still add up: the rescale rule of
        Shrikumar, Greenside & Kundaje, ICML 2017.
        """
        columns = list(dict.fromkeys(name for part in parts for name in part.columns))
        values = np.stack([part.on(columns) for part in parts])
        bases = np.stack([part.base for part in parts])
        weights = np.array(mixture.weights)
        many = task.has_classes and task.n_outputs > 2
        if isinstance(task, Regression) or many:
            return cls(columns, np.tensordot(weights, values, 1), weights @ bases)
        up, down = (_bounded, _same) if mixture.scale == "log-odds" else (expit, logit)
        ends = np.stack([part.scores for part in parts])  # (members, n, scores)
        starts = np.broadcast_to(bases[:, None], ends.shape)
        before, after = (np.tensordot(weights, up(at), 1) for at in (starts, ends))
        slopes = weights[:, None, None] * _slope(up, starts, ends) * _slope(down, before, after)
        base = down(weights @ up(bases))
        return cls(columns, np.asarray((slopes[:, :, None] * values).sum(0)), base)

    def on(self, columns: Sequence[Any]) -> Floats:
        """Return the values for these columns, 0 for those that are not among its own."""
        whole = np.zeros((len(self.values), len(columns), self.values.shape[2]))
        whole[:, [columns.index(name) for name in self.columns]] = self.values
        return whole


def _bounded(odds: Floats) -> Floats:
    """Return log-odds within the bounds of a mixture's probabilities."""
    return np.clip(odds, logit(LEAST), -logit(LEAST))


def _same(odds: Floats) -> Floats:
    return odds


def _slope(of: Callable[[Floats], Floats], start: Floats, end: Floats) -> Floats:
    """Return the slope of a function between two points, of the curve where they are as one."""
    near = np.abs(end - start) < CLOSE
    low, high = np.where(near, start - CLOSE, start), np.where(near, start + CLOSE, end)
    return np.asarray((of(high) - of(low)) / (high - low))
