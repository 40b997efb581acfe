"""Held-out information: the information that co-clusters keep of counts not seen in the fit.

Some of each row's counts are held out (count splitting; Neufeld, Gao, Popp, Battle & Witten, 2022).
The information that clusters keep of the counts they were fitted to grows with every freedom to
fit; that of held-out counts falls where clusters follow noise, below zero where they predict worse
than no clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["held_out_information", "split_counts"]

PRIOR: Final = 1.0
"""So many counts, shared as in all rows, are added to those of a cluster of rows."""


def split_counts(
    counts: sparse.csr_matrix, share: float, random: np.random.Generator
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Split each row's counts in two at random: (n, m) to seen and held-out ones, (n, m) each.

    Whole numbers are split one by one, which for Poisson counts gives independent halves; of other
    numbers each entry goes to one side. A row keeps at least its largest entry in sight.

    Parameters
    ----------
    counts
        (n, m) of numbers ≥ 0, no row of zeros.
    share
        Share of the counts that is held out.
    random
        Draws.
    """
    values = np.asarray(counts.data, np.float64)
    if (values == np.rint(values)).all() and values.max(initial=0) < 2**31:
        hidden = random.binomial(values.astype(np.int64), share).astype(np.float64)
    else:
        hidden = np.where(random.random(len(values)) < share, values, 0.0)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    blind = np.bincount(row, values - hidden, counts.shape[0]) <= 0
    hidden[blind[row]] = 0.0
    parts = [
        sparse.csr_matrix((part, counts.indices.copy(), counts.indptr.copy()), counts.shape)
        for part in (values - hidden, hidden)
    ]
    for part in parts:
        part.eliminate_zeros()
    return parts[0], parts[1]


def held_out_information(joint: Numbers, held: Numbers, rows: Labels, total: float) -> float:
    """Return Σ n log [p(z̃|x̃) / p(z̃)] over held-out counts, divided by their sum, in nats.

    Parameters
    ----------
    joint
        (k, l) seen counts of the clusters of rows and of features.
    held
        (n, l) held-out counts of each row in each cluster of features; those of features that no
        cluster holds are left out.
    rows
        (n,) the rows' clusters.
    total
        Sum of all held-out counts.
    """
    whole = joint.sum(axis=0) / joint.sum()
    inside = (joint + PRIOR * whole) / (joint.sum(axis=1, keepdims=True) + PRIOR)
    ratio = np.divide(inside, whole, out=np.ones_like(inside), where=whole > 0)
    return float((held * np.log(ratio)[rows]).sum() / total)
