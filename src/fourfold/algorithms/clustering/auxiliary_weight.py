"""The weight of auxiliary data, chosen by the information that clusters keep of held-out counts.

Some of each row's counts are held out (count splitting; Neufeld, Gao, Popp, Battle & Witten, 2022).
The information that clusters keep of the counts they were fitted to grows with every freedom to
fit; that of held-out counts falls where clusters follow noise, below zero where they predict worse
than no clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from fourfold.algorithms.clustering.counts import Counts, blocks, grouped
from fourfold.algorithms.clustering.search import cocluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["WEIGHTS", "best_weight", "held_out_by_weight", "held_out_information", "split_counts"]

WEIGHTS: Final = (1.0, 10.0, 100.0)
"""Candidates for λ; the first is the paper's."""
SHARE: Final = 0.25
"""Share of the target's counts that is held out."""
PRIOR: Final = 1.0
"""So many counts, shared as in all rows, are added to those of a cluster of rows."""


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

    Parameters
    ----------
    joint
        (k, l) seen counts of the clusters of rows and of features.
    held, total
        (n, l) held-out counts of each row in each cluster of features, but for features that no
        cluster holds, and the sum of all held-out counts.
    rows
        (n,) the rows' clusters.
    """
    whole = joint.sum(axis=0) / joint.sum()
    inside = (joint + PRIOR * whole) / (joint.sum(axis=1, keepdims=True) + PRIOR)
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
