"""Tables of counts, whole numbers whose sums are exact in any order, and their information."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from scipy import sparse
from scipy.stats import entropy

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = [
    "Counts",
    "Partition",
    "blocks",
    "cluster_entropy",
    "grouped",
    "information",
    "objective",
    "refuse_empty",
    "summed",
]

FEW: Final = 20_000
"""Rows times groups below which a dense product is faster than a sparse one."""
EXACT_BITS: Final = 52
"""Sums of whole numbers up to 2^53 are exact in float64."""


@final
class Counts:
    """Counts of rows and features together, in the order of both.

    Fractions are rounded to multiples of one power of two, 2⁻⁵² of their sum or finer, and counted
    in these: every sum of counts is exact.

    Parameters
    ----------
    matrix
        (n, m), any scipy.sparse format or an array, of numbers ≥ 0; every row has one above 0.
    name
        How messages call it.

    Attributes
    ----------
    by_row, by_column
        The same whole numbers (n, m) as CSR, and transposed (m, n) as CSR.
    total
        Their sum.

    Raises
    ------
    DataError
        If a number is negative, or a row has only zeros.
    """

    def __init__(self, matrix: object, name: str = "the counts") -> None:
        found = sparse.csr_matrix(matrix, dtype=np.float64, copy=True)
        found.sum_duplicates()
        if found.nnz and found.data.min() < 0:
            raise DataError(
                f"co-occurrence counts must be at least 0; got {found.data.min():g} in "
                f"{name}: a codebook makes counts of numbers"
            )
        found.data = _whole(found.data)
        found.eliminate_zeros()
        refuse_empty(np.diff(found.indptr) > 0, f" in {name}")
        self.by_row = found
        self.by_column = found.T.tocsr()
        self.total = float(found.data.sum())

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.by_row.shape[0])

    @property
    def m(self) -> int:
        """Number of features."""
        return int(self.by_row.shape[1])

    @property
    def row_totals(self) -> Numbers:
        """Each row's sum, (n,)."""
        return np.asarray(self.by_row.sum(axis=1), np.float64).ravel()

    @property
    def feature_totals(self) -> Numbers:
        """Each feature's sum, (m,)."""
        return np.asarray(self.by_row.sum(axis=0), np.float64).ravel()

    @cached_property
    def information(self) -> float:
        """The mutual information of rows and features, in nats."""
        surprise = (
            _surprise(self.by_row.data)
            - _surprise(self.row_totals)
            - _surprise(self.feature_totals)
        )
        return float(np.log(self.total) + surprise / self.total)


def _surprise(counts: Numbers) -> float:
    """Return Σ n log n."""
    return float(counts @ np.log(np.maximum(counts, 1.0)))


def refuse_empty(full: NDArray[np.bool_], where: str = "") -> None:
    """Refuse rows of which some, not ``full`` (n,), have only zeros, and so no distribution.

    Raises
    ------
    DataError
        The message counts them and names the first.
    """
    empty = np.flatnonzero(~full)
    if len(empty):
        raise DataError(
            f"every row must have a count above 0, to be compared by what it holds; got "
            f"{len(empty)} empty row{'s' if len(empty) > 1 else ''}{where}, the first at position "
            f"{empty[0]}"
        )


def _whole(values: Numbers) -> Numbers:
    """Write numbers ≥ 0 as multiples of one unit whose sum stays below 2⁵³."""
    total = float(values.sum())
    if total < 2.0**EXACT_BITS and (values == np.rint(values)).all():
        return values
    return np.asarray(np.rint(np.ldexp(values, EXACT_BITS - int(np.frexp(total)[1]))))


def grouped(table: sparse.csr_matrix, groups: Labels, k: int) -> Numbers:
    """Add up each row's counts by the group of their column: (n, m) and (m,) to (n, k)."""
    n = table.shape[0]
    start = np.repeat(np.arange(0, n * k, k), np.diff(table.indptr))
    where = start + groups[table.indices]
    return np.asarray(np.bincount(where, table.data, n * k).reshape(n, k), np.float64)


def summed(groups: Labels, values: Numbers, k: int) -> Numbers:
    """Add up rows of values (n, l) by their group (n,): (k, l)."""
    n = len(groups)
    if n * k < FEW:
        return np.asarray((np.arange(k)[:, None] == groups).astype(np.float64) @ values)
    picked = sparse.csr_matrix((np.ones(n), groups, np.arange(n + 1)), shape=(n, k))
    return np.asarray(picked.T @ values)


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

    The tables t, of weights w, are the target's, then maybe the auxiliary data's, of weight λ.
    """
    found = [
        weight * (table.information - information(blocks(table, rows, partition.features)))
        for table, weight, rows in zip(tables, weights, partition.rows, strict=True)
    ]
    return float(sum(found))


def blocks(
    counts: Counts, rows: Labels, features: Labels, k: int | None = None, width: int | None = None
) -> Numbers:
    """Return the counts of each row cluster in each feature cluster, (k, width)."""
    k = int(rows.max()) + 1 if k is None else k
    width = int(features.max()) + 1 if width is None else width
    return summed(rows, grouped(counts.by_row, features, width), k)


def cluster_entropy(
    y: NDArray[Any], clusters: NDArray[Any], weight: NDArray[np.float64] | None = None
) -> float:
    """Return the entropy of the true classes (n,) inside clusters (n,), averaged, in bits.

    It is 0 where each cluster is of one class; lower is better. Rows count by their weights (n,).

    Examples
    --------
    >>> import numpy as np
    >>> cluster_entropy(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    0.0
    >>> cluster_entropy(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    1.0
    """
    (_, row), (_, column) = (np.unique(part, return_inverse=True) for part in (clusters, y))
    counts = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(counts, (row, column), 1.0 if weight is None else weight)
    shares = counts.sum(axis=1) / counts.sum()
    return float((shares * entropy(counts, base=2, axis=1)).sum())
