"""Search for co-clusters: starts, and ways out of local minima."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from fourfold.algorithms.clustering.alternation import improve
from fourfold.algorithms.clustering.information import Partition, held
from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.algorithms.clustering.spectral import coordinates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.clustering.counts import Counts

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["cocluster", "plus_plus"]

DEPTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""Numbers of spectral coordinates, one for each start in turn."""
COOLING: Final = (1.0, 0.5, 0.25, 0.12, 0.06)
AGAIN: Final = (0.25, 0.06)
"""Strengths of the prior after a start, and after rows were drawn anew."""
PRIOR: Final = 0.1
"""Strength of the prior of a seed, which is one row and holds nothing of most clusters."""


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
    that is cheap.

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

    Returns
    -------
    Partition
        The best one; its curve is that of the search that found it.
    """
    first, by_itself, last = np.random.default_rng(seed).spawn(3)
    best = _drawn(tables, weights, sizes, n_init, max_iter, first)
    starts: list[Partition] = []
    if len(tables) > 1:
        only = (tables[:1], [1.0], [sizes[0], sizes[-1]])
        alone = _drawn(*only, n_init, max_iter, by_itself)
        alone = _again(alone, *only, 2 * n_init, max_iter, by_itself)
        own = np.where(tables[0].feature_totals > 0, alone.features, best.features)
        starts += [Partition([alone.rows[0], *best.rows[1:]], z) for z in (best.features, own)]
    if rows is not None:
        starts.append(Partition([rows, *best.rows[1:]], best.features))
    for start in starts:
        for cooling in (AGAIN, COOLING):
            found = improve(tables, weights, start, sizes, rounds=max_iter, cooling=cooling)
            best = min(best, found, key=_objective)
    return _again(best, tables, weights, sizes, restarts, max_iter, last)


def _objective(found: Partition) -> float:
    return found.curve[-1]


def _drawn(
    tables: Sequence[Counts],
    weights: Sequence[float],
    sizes: Sequence[int],
    n_init: int,
    max_iter: int,
    random: np.random.Generator,
) -> Partition:
    """Search from clusters that are drawn in spectral coordinates; return the best."""
    places = _places(tables, weights, random)
    found = []
    for i in range(n_init):
        start = _start(places, tables, sizes, DEPTHS[i % len(DEPTHS)], random)
        found.append(improve(tables, weights, start, sizes, rounds=max_iter, cooling=COOLING))
    return min(found, key=_objective)


def _again(
    best: Partition,
    tables: Sequence[Counts],
    weights: Sequence[float],
    sizes: Sequence[int],
    restarts: int,
    max_iter: int,
    random: np.random.Generator,
) -> Partition:
    """Draw the target's rows anew, and keep improvements."""
    for _ in range(restarts if sizes[0] > 1 else 0):
        rows = plus_plus(held(tables[0], best.features, sizes[-1]), sizes[0], random)
        start = Partition([rows, *best.rows[1:]], best.features)
        found = improve(tables, weights, start, sizes, rounds=max_iter, cooling=AGAIN)
        best = min(best, found, key=_objective)
    return best


def plus_plus(values: Numbers, k: int, random: np.random.Generator) -> Labels:
    """Draw k seeds by k-means++ under the Kullback-Leibler divergence, and assign all rows.

    Parameters
    ----------
    values
        (n, l) counts ≥ 0, no row of zeros.
    k
        Number of clusters; a row is drawn in proportion to its distance from the seeds before.
    random
        Generator of the draws.
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


def _places(
    tables: Sequence[Counts], weights: Sequence[float], random: np.random.Generator
) -> tuple[list[Numbers], Numbers]:
    """Return coordinates of each table's rows (n, r), and of features (m, r), in one space."""
    parts = [
        table.by_row * (max(weight, 1e-9) / table.total)
        for table, weight in zip(tables, weights, strict=True)
    ]
    found = coordinates(sparse.vstack(parts).tocsr(), DEPTHS[-1], random)
    ends = np.cumsum([table.n for table in tables])[:-1]
    rows = np.split(found.rows * found.values, ends)
    return list(rows), found.features * found.values


def _start(
    places: tuple[list[Numbers], Numbers],
    tables: Sequence[Counts],
    sizes: Sequence[int],
    depth: int,
    random: np.random.Generator,
) -> Partition:
    rows, features = places
    drawn = [
        _grouped(where[:, :depth], table.row_totals, k, random)
        for where, table, k in zip(rows, tables, sizes, strict=False)
    ]
    mass = np.sum([table.feature_totals / table.total for table in tables], axis=0)
    there = mass > 0
    labels = np.zeros(len(features), np.intp)
    labels[there] = _grouped(features[there, :depth], mass[there], sizes[-1], random)
    return Partition(drawn, labels)


def _grouped(where: Numbers, mass: Numbers, k: int, random: np.random.Generator) -> Labels:
    """Group points (n, r) of some mass (n,) by k-means."""
    seed = int(random.integers(2**31))
    weights = mass / mass.mean()
    return k_means(where, k, n_init=1, max_iter=20, seed=seed, weights=weights).labels
