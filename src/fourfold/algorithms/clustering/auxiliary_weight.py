"""The weight of auxiliary data, chosen by held-out information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from fourfold.algorithms.clustering.counts import Counts, grouped
from fourfold.algorithms.clustering.held_out import held_out_information, split_counts
from fourfold.algorithms.clustering.information import blocks
from fourfold.algorithms.clustering.search import cocluster

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WEIGHTS", "best_weight", "held_out_by_weight"]

WEIGHTS: Final = (1.0, 10.0, 100.0)
"""Candidates for λ; the first is the paper's."""
SHARE: Final = 0.25
"""Share of the target's counts that is held out."""
N_INIT: Final = 1
RESTARTS: Final = 4
MAX_ITER: Final = 40
"""A search for each candidate is short."""


def held_out_by_weight(
    target: Counts,
    auxiliary: Counts,
    sizes: Sequence[int],
    weights: Sequence[float] = WEIGHTS,
    *,
    seed: int,
) -> list[float]:
    """Return the information that clusters found with each λ keep of held-out counts, in nats.

    Parameters
    ----------
    target, auxiliary
        Counts of both over the same features.
    sizes
        Numbers of clusters: of the target's rows, the auxiliary rows and the features.
    weights
        Candidates for λ.
    seed
        Seed of the split and of each search.
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
            tables,
            [1.0, weight],
            sizes,
            n_init=N_INIT,
            restarts=RESTARTS,
            max_iter=MAX_ITER,
            seed=seed,
        )
        joint = blocks(tables[0], clusters.rows[0], clusters.features, sizes[0], sizes[-1])
        counted = grouped(judged, clusters.features, sizes[-1])
        found.append(held_out_information(joint, counted, clusters.rows[0], total))
    return found


def best_weight(weights: Sequence[float], informations: Sequence[float]) -> float:
    """Return the weight with the most held-out information; the first where none is above 0."""
    best = int(np.argmax(informations))
    return weights[best] if informations[best] > 0 else weights[0]
