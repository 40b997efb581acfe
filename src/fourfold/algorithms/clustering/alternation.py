"""Alternating minimization of the co-clustering objective: rows move, then features.

Sums by cluster are kept up to date by what moved. They are sums of whole numbers, so they never
drift, and no bit depends on the order in which they were added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import numpy as np

from fourfold.algorithms.clustering.counts import Partition, grouped, information, summed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from fourfold.algorithms.clustering.counts import Counts

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["improve"]

NOTHING: Final = 1e-300
"""Stands for a probability of 0 inside a logarithm."""
SURE: Final = 1e-12
"""A row moves where it gains more than this share of the entropy of a coin: rounding is no gain."""


def improve(
    tables: Sequence[Counts],
    weights: Sequence[float],
    start: Partition,
    sizes: Sequence[int],
    *,
    rounds: int = 100,
    tolerance: float = 1e-6,
    cooling: Sequence[float] = (),
) -> Partition:
    """Move rows, then features, to the nearest cluster, until that gains no more.

    A row x of a table goes to argmin D(p(Z|x) ‖ p̃(Z|x̃)), a feature z to argmin over z̃ of
    Σ_t w_t p_t(z) D(p_t(X|z) ‖ p̃_t(X|z̃)); p̃ follows after every step, so that the objective never
    increases. As p̃(z|x̃) = p(z̃|x̃) p(z)/p(z̃), a row's distance needs only what it holds of each
    feature cluster, (n, l) numbers, and a feature's only its share of each row cluster; both are
    kept up to date by the counts of those that moved. A cluster that empties is given what fits its
    own cluster worst.

    Parameters
    ----------
    tables, weights
        As in :func:`objective`.
    start
        May have empty clusters.
    sizes
        Numbers of clusters: of the rows of each table, then of the features.
    rounds, tolerance
        Most rounds, and the share of the objective that the last one must gain.
    cooling
        Before that, two rounds at each of these strengths of a prior, with which every cluster is
        mixed: few counts make everything in a cluster seem at home there, so that nothing would
        move (Dhillon & Guan, 2003). The curve begins behind them.
    """
    search = _Search(tables, weights, start, sizes)
    for search.prior in cooling:
        for _ in search.rounds(2):
            pass
    search.prior = 0.0
    curve = [search.objective]
    for value in search.rounds(rounds):
        curve.append(value)
        if curve[-2] - value <= tolerance * max(curve[-2], 0.0):
            break
    return Partition([side.labels for side in search.sides], search.features, curve)


@final
class _Side:
    """One table while its clusters move.

    Attributes
    ----------
    labels
        (n,) clusters of its rows.
    of_rows
        (n, l) what each row holds of each feature cluster.
    of_features
        (m, k) what each feature holds of each row cluster.
    """

    def __init__(
        self, counts: Counts, weight: float, labels: Labels, features: Labels, k: int, width: int
    ) -> None:
        self.counts, self.weight, self.k = counts, weight, k
        self.scale = weight / counts.total
        self.labels = labels.copy()
        self.of_rows = grouped(counts.by_row, features, width)
        self.of_features = grouped(counts.by_column, labels, k)

    @property
    def blocks(self) -> Numbers:
        """(k, l) shared counts of the clusters."""
        return summed(self.labels, self.of_rows, self.k)

    def step(self, prior: float) -> None:
        """Move rows to their nearest clusters."""
        before = self.labels
        self.labels = _nearest(before, self.of_rows, _logs(self.blocks, prior))
        for empty in _empty(self.labels, self.k):
            own = _own(self.of_rows, _logs(self.blocks), self.labels)
            _move_worst(self.labels, _alone(self.of_rows).sum(axis=1) - own, empty)
        _follow(self.of_features, self.counts.by_column, self.counts.by_row, before, self.labels)

    @property
    def loss(self) -> float:
        """Its term of the objective."""
        return self.weight * (self.counts.information - information(self.blocks))


@final
class _Search:
    """All tables, and the clusters of the features that they share."""

    def __init__(
        self,
        tables: Sequence[Counts],
        weights: Sequence[float],
        start: Partition,
        sizes: Sequence[int],
    ) -> None:
        self.width, self.prior = sizes[-1], 0.0
        self.features = start.features.copy()
        self.sides = [
            _Side(table, weight, rows, self.features, k, self.width)
            for table, weight, rows, k in zip(tables, weights, start.rows, sizes, strict=False)
        ]
        self.there = np.any([table.feature_totals > 0 for table in tables], axis=0)

    @property
    def objective(self) -> float:
        return sum(side.loss for side in self.sides)

    def rounds(self, most: int) -> Iterator[float]:
        """Move all; yield the objective; end where nothing moves."""
        for _ in range(most):
            before = [self.features, *(side.labels for side in self.sides)]
            for side in self.sides:
                side.step(self.prior)
            self._step()
            yield self.objective
            after = [self.features, *(side.labels for side in self.sides)]
            if all(map(np.array_equal, before, after)):
                return

    @property
    def _logs(self) -> Numbers:
        """(l, Σ k) logarithms of p(x̃ | z̃) for every table."""
        return np.concatenate([_logs(side.blocks.T, self.prior) for side in self.sides], axis=1)

    def _step(self) -> None:
        """Move features to their nearest clusters."""
        before = self.features
        profiles = np.concatenate([s.of_features * s.scale for s in self.sides], axis=1)
        self.features = np.where(self.there, _nearest(before, profiles, self._logs), before)
        for cluster in _empty(self.features[self.there], self.width):
            self._follow(before)
            before = self.features.copy()
            fits = _own(profiles, self._logs, self.features)
            alone = np.concatenate([_alone(s.of_features) * s.scale for s in self.sides], axis=1)
            misfit = np.where(self.there, alone.sum(axis=1) - fits, -np.inf)
            _move_worst(self.features, misfit, cluster, self.there)
        self._follow(before)

    def _follow(self, before: Labels) -> None:
        for side in self.sides:
            table = side.counts
            _follow(side.of_rows, table.by_row, table.by_column, before, self.features)


def _logs(joint: Numbers, prior: float = 0.0) -> Numbers:
    """Return log p(column | row) of counts (k, l), each row mixed with the whole's shares."""
    total = joint.sum(axis=1, keepdims=True)
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    if prior:
        share = (share + prior * joint.sum(axis=0) / joint.sum()) / (1 + prior)
    return np.asarray(np.log(np.maximum(share, NOTHING)))


def _nearest(labels: Labels, held: Numbers, logs: Numbers) -> Labels:
    """Return the argmax of Σ held · log p; ties stay: (n, l), (k, l) to (n,)."""
    scores = held @ logs.T
    at = np.arange(len(labels))
    best = scores.argmax(axis=1)
    gain = scores[at, best] - scores[at, labels]
    return np.where(gain > SURE * held.sum(axis=1), best, labels)


def _own(held: Numbers, logs: Numbers, labels: Labels) -> Numbers:
    """Return Σ held · log p of the cluster that each is in, (n,)."""
    return np.asarray((held * logs[labels]).sum(axis=1))


def _alone(held: Numbers) -> Numbers:
    """Return held · log of its own shares, the score of a cluster of its own, (n, l)."""
    return held * _logs(held)


def _empty(labels: Labels, k: int) -> list[int]:
    return np.flatnonzero(np.bincount(labels, minlength=k) == 0).tolist()


def _move_worst(
    labels: Labels, misfit: Numbers, to: int, there: NDArray[np.bool_] | None = None
) -> None:
    """Move the worst fit, of clusters that keep another member, to an empty cluster."""
    sizes = np.bincount(labels[slice(None) if there is None else there], minlength=labels.max() + 1)
    movable = np.where(sizes[labels] > 1, misfit, -np.inf)
    worst = int(movable.argmax())
    if np.isfinite(movable[worst]):
        labels[worst] = to


def _follow(
    sums: Numbers,
    by_group: sparse.csr_matrix,
    by_mover: sparse.csr_matrix,
    before: Labels,
    after: Labels,
) -> None:
    """Bring sums by cluster (n, k) up to date after columns of the table (n, m) moved."""
    moved = np.flatnonzero(before != after)
    if not len(moved):
        return
    n, k = sums.shape
    if 2 * np.diff(by_mover.indptr)[moved].sum() > by_mover.nnz:
        sums[:] = grouped(by_group, after, k)
        return
    rows = by_mover[moved]
    at, lengths = rows.indices * k, np.diff(rows.indptr)
    gone = np.bincount(at + np.repeat(before[moved], lengths), rows.data, n * k)
    come = np.bincount(at + np.repeat(after[moved], lengths), rows.data, n * k)
    sums += (come - gone).reshape(n, k)
