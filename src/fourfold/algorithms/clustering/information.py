"""Mutual information of co-clusters, and the objective of co-clustering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from fourfold.algorithms.clustering.counts import grouped, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.clustering.counts import Counts

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = [
    "Partition",
    "approximation",
    "blocks",
    "divergence",
    "held",
    "information",
    "objective",
]


@final
@dataclass
class Partition:
    """Clusters of every row and of every feature.

    Attributes
    ----------
    rows
        For each table, (n,) clusters of its rows.
    features
        (m,) clusters of the features that the tables share; what no table holds may be anywhere.
    curve
        The objective at the start and after every round, in nats.
    """

    rows: list[Labels]
    features: Labels
    curve: list[float] = field(default_factory=list)


def information(joint: Numbers) -> float:
    """Return the mutual information of a table (k, l) of counts, in nats."""
    p = joint / joint.sum()
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    there = p > 0
    return float((p[there] * np.log(p[there] / independent[there])).sum())


def objective(tables: Sequence[Counts], weights: Sequence[float], partition: Partition) -> float:
    """Return the objective Σ_t w_t [I(X_t; Z) − I(X̃_t; Z̃)], in nats.

    Parameters
    ----------
    tables
        The target and maybe the auxiliary data, over the same features.
    weights
        Of each; 1 and λ.
    partition
        The clusters.
    """
    found = [
        weight * (table.information - information(blocks(table, rows, partition.features)))
        for table, weight, rows in zip(tables, weights, partition.rows, strict=True)
    ]
    return float(sum(found))


def approximation(counts: Counts, rows: Labels, features: Labels) -> Numbers:
    """Return p̃(x, z) = p(x̃, z̃) p(x)/p(x̃) p(z)/p(z̃) in full, (n, m); for small tables."""
    block = blocks(counts, rows, features) / counts.total
    of_row, of_feature = counts.row_totals / counts.total, counts.feature_totals / counts.total
    row_share = of_row / block.sum(axis=1)[rows]
    column = block.sum(axis=0)[features]
    feature_share = np.divide(of_feature, column, out=np.zeros(counts.m), where=column > 0)
    return np.asarray(block[np.ix_(rows, features)] * row_share[:, None] * feature_share)


def divergence(p: Numbers, q: Numbers) -> float:
    """Return the Kullback-Leibler divergence D(p‖q) of two tables of probabilities, in nats."""
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())


def held(counts: Counts, features: Labels, width: int) -> Numbers:
    """Return the counts of each row in each feature cluster, (n, width)."""
    return grouped(counts.by_row, features, width)


def blocks(
    counts: Counts,
    rows: Labels,
    features: Labels,
    k: int | None = None,
    width: int | None = None,
) -> Numbers:
    """Return the counts of each row cluster in each feature cluster, (k, width)."""
    k = int(rows.max()) + 1 if k is None else k
    width = int(features.max()) + 1 if width is None else width
    return summed(rows, held(counts, features, width), k)
