"""Search for co-clusters: starts, ways out of local minima, and the weight of auxiliary data.

The weight is chosen by held-out counts (count splitting; Neufeld, Gao, Popp, Battle & Witten,
2022). The information that clusters keep of the counts they were fitted to grows with every freedom
to fit; that of held-out counts falls where clusters follow noise, below zero where they predict
worse than no clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
from scipy import sparse

from fourfold.algorithms.clustering.alternation import improve
from fourfold.algorithms.clustering.counts import Counts, Partition, blocks, grouped
from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.algorithms.clustering.latent import spectral_coordinates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = [
    "WEIGHTS",
    "best_weight",
    "cocluster",
    "held_out_by_weight",
    "held_out_information",
    "plus_plus",
    "split_counts",
]

DEPTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""Numbers of spectral coordinates, one for each start in turn."""
COOLING: Final = (1.0, 0.5, 0.25, 0.12, 0.06)
AGAIN: Final = (0.25, 0.06)
"""Strengths of the prior after a start, and after rows were drawn anew."""
PRIOR: Final = 0.1
"""Strength of the prior of a seed, which is one row and holds nothing of most clusters."""
WEIGHTS: Final = (1.0, 10.0, 100.0)
"""Candidates for λ; the first is the paper's."""
SHARE: Final = 0.25
"""Share of the target's counts that is held out."""
ADDED: Final = 1.0
"""So many counts, shared as in all rows, are added to those of a cluster of rows."""


def cocluster(
    tables: Sequence[Counts],
    weights: Sequence[float],
    sizes: Sequence[int],
    *,
    n_init: int,
    restarts: int,
    max_iter: int,
    seed: int,
    rows: Labels | None = None,
) -> Partition:
    """Search for the clusters with the least objective.

    Each start is drawn by k-means++ in the spectral coordinates of all tables together. The
    auxiliary data dominate these coordinates, so the target is also searched by itself, and its
    clusters are a start for all. From the best, the target's rows are drawn anew by k-means++ over
    the feature clusters found, again and again, and what is better is kept: little else moves, so
    that is cheap. The curve is that of the search that found the best clusters.

    Parameters
    ----------
    tables, weights
        The target's counts and 1; then maybe the auxiliary data's and λ.
    sizes
        Numbers of clusters: of the rows of each table, then of the features.
    n_init, restarts
        Number of times that all is drawn anew, and that the target's rows alone are.
    max_iter
        Largest number of rounds of each search.
    seed
        Seed of all draws.
    rows
        (n,) clusters of the target's rows that are one more start.
    """
    first, by_itself, last = np.random.default_rng(seed).spawn(3)
    together = _Search(tables, weights, sizes, max_iter)
    best = together.drawn(n_init, first)
    starts: list[Partition] = []
    if len(tables) > 1:
        only = _Search(tables[:1], [1.0], [sizes[0], sizes[-1]], max_iter)
        alone = only.again(only.drawn(n_init, by_itself), 2 * n_init, by_itself)
        own = np.where(tables[0].feature_totals > 0, alone.features, best.features)
        starts += [Partition([alone.rows[0], *best.rows[1:]], z) for z in (best.features, own)]
    if rows is not None:
        starts.append(Partition([rows, *best.rows[1:]], best.features))
    found = [together.improved(start, how) for start in starts for how in (AGAIN, COOLING)]
    return together.again(min([best, *found], key=_objective), restarts, last)


def _objective(found: Partition) -> float:
    return found.curve[-1]


@final
class _Search(NamedTuple):
    """The counts and numbers of clusters of a search; see :func:`cocluster`."""

    tables: Sequence[Counts]
    weights: Sequence[float]
    sizes: Sequence[int]
    max_iter: int

    def improved(self, start: Partition, cooling: Sequence[float]) -> Partition:
        return improve(
            self.tables, self.weights, start, self.sizes, rounds=self.max_iter, cooling=cooling
        )

    def drawn(self, n_init: int, random: np.random.Generator) -> Partition:
        """Search from clusters that are drawn in spectral coordinates; return the best."""
        rows, features = self._places(random)
        starts = (
            self._start(rows, features, DEPTHS[i % len(DEPTHS)], random) for i in range(n_init)
        )
        return min((self.improved(start, COOLING) for start in starts), key=_objective)

    def again(self, best: Partition, restarts: int, random: np.random.Generator) -> Partition:
        """Draw the target's rows anew, and keep improvements."""
        for _ in range(restarts if self.sizes[0] > 1 else 0):
            held = grouped(self.tables[0].by_row, best.features, self.sizes[-1])
            rows = plus_plus(held, self.sizes[0], random)
            start = Partition([rows, *best.rows[1:]], best.features)
            best = min(best, self.improved(start, AGAIN), key=_objective)
        return best

    def _places(self, random: np.random.Generator) -> tuple[list[Numbers], Numbers]:
        """Return coordinates of each table's rows (n, r), and of features (m, r), in one space."""
        parts = [
            table.by_row * (max(weight, 1e-9) / table.total)
            for table, weight in zip(self.tables, self.weights, strict=True)
        ]
        found = spectral_coordinates(sparse.vstack(parts).tocsr(), DEPTHS[-1], random)
        ends = np.cumsum([table.n for table in self.tables])[:-1]
        return np.split(found.rows * found.values, ends), found.features * found.values

    def _start(
        self, rows: list[Numbers], features: Numbers, depth: int, random: np.random.Generator
    ) -> Partition:
        """Draw clusters by k-means over coordinates, the features' last."""
        mass = np.sum([table.feature_totals / table.total for table in self.tables], axis=0)
        there = mass > 0
        points = [*(where[:, :depth] for where in rows), features[there, :depth]]
        masses = [*(table.row_totals for table in self.tables), mass[there]]
        drawn = [
            k_means(
                where, k, n_init=1, max_iter=20, seed=int(random.integers(2**31)),
                weights=share / share.mean(),
            ).labels
            for where, share, k in zip(points, masses, self.sizes, strict=True)
        ]  # fmt: skip
        labels = np.zeros(len(features), np.intp)
        labels[there] = drawn.pop()
        return Partition(drawn, labels)


def plus_plus(values: Numbers, k: int, random: np.random.Generator) -> Labels:
    """Draw k seeds by k-means++ under the Kullback-Leibler divergence, and assign all rows.

    Rows hold counts (n, l) ≥ 0, none only zeros. One is drawn in proportion to its distance from
    the seeds before.
    """
    mass = values.sum(axis=1)
    share = values / mass[:, None]
    whole = values.sum(axis=0) / mass.sum()
    own = np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0).sum(axis=1)
    far = np.full(len(values), np.inf)
    labels = np.zeros(len(values), np.intp)
    chances = mass
    for cluster in range(k):
        if chances.sum() <= 0:  # all rows are alike
            break
        seed = share[random.choice(len(values), p=chances / chances.sum())]
        mixed = np.log(np.maximum((seed + PRIOR * whole) / (1 + PRIOR), 1e-300))
        distance = own - share @ mixed
        labels = np.where(distance < far, cluster, labels)
        far = np.minimum(far, distance)
        chances = np.maximum(far, 0.0) * mass
    return labels.astype(np.intp)


def split_counts(
    counts: sparse.csr_matrix, share: float, random: np.random.Generator
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Split each row's counts in two at random: (n, m) to seen and held-out ones, (n, m) each.

    Whole numbers are split one by one, which for Poisson counts gives independent halves; of other
    numbers each entry goes to one side. A row, which has some count, keeps one in sight.
    """
    values = np.asarray(counts.data, np.float64)
    if (values == np.rint(values)).all() and values.max(initial=0) < 2**31:
        hidden = random.binomial(values.astype(np.int64), share).astype(np.float64)
    else:
        hidden = np.where(random.random(len(values)) < share, values, 0.0)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    blind = np.bincount(row, values - hidden, counts.shape[0]) <= 0
    hidden[blind[row]] = 0.0
    seen, held = (
        sparse.csr_matrix((part, counts.indices.copy(), counts.indptr.copy()), counts.shape)
        for part in (values - hidden, hidden)
    )
    seen.eliminate_zeros()
    held.eliminate_zeros()
    return seen, held


def held_out_information(joint: Numbers, held: Numbers, rows: Labels, total: float) -> float:
    """Return Σ n log [p(z̃|x̃) / p(z̃)] over held-out counts, divided by their sum, in nats.

    Of seen counts (k, l) of the clusters of rows and of features, held-out ones (n, l) of each row
    in each cluster of features, but for features that no cluster holds, the rows' clusters (n,),
    and the sum of all held-out counts.
    """
    whole = joint.sum(axis=0) / joint.sum()
    inside = (joint + ADDED * whole) / (joint.sum(axis=1, keepdims=True) + ADDED)
    ratio = np.divide(inside, whole, out=np.ones_like(inside), where=whole > 0)
    return float((held * np.log(ratio)[rows]).sum() / total)


def held_out_by_weight(
    target: Counts,
    auxiliary: Counts,
    sizes: Sequence[int],
    weights: Sequence[float] = WEIGHTS,
    *,
    seed: int,
) -> list[float]:
    """Return the information that clusters found with each λ keep of held-out counts, in nats.

    Sizes are numbers of clusters: of the target's rows, the auxiliary rows and their features. The
    seed is that of the split and of each search, which are short.
    """
    seen, hidden = split_counts(target.by_row, SHARE, np.random.default_rng(seed))
    total, tables = float(hidden.sum()), [Counts(seen), auxiliary]
    if total <= 0:
        return [0.0 for _ in weights]
    known = tables[0].feature_totals + auxiliary.feature_totals > 0
    judged = sparse.csr_matrix(hidden.multiply(known[None, :]))
    found = []
    for weight in weights:
        clusters = cocluster(
            tables, [1.0, weight], sizes, n_init=1, restarts=4, max_iter=40, seed=seed
        )
        joint = blocks(tables[0], clusters.rows[0], clusters.features, sizes[0], sizes[-1])
        counted = grouped(judged, clusters.features, sizes[-1])
        found.append(held_out_information(joint, counted, clusters.rows[0], total))
    return found


def best_weight(weights: Sequence[float], informations: Sequence[float]) -> float:
    """Return the weight with the most held-out information; the first where none is above 0."""
    best = int(np.argmax(informations))
    return weights[best] if informations[best] > 0 else weights[0]
