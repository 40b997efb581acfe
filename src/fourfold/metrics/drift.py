"""Drift: how far the values of a column, or scores, moved between two piles of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pandas as pd
from scipy import stats

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Drift", "drift_of", "psi"]

BINS: Final = 10
HALF: Final = 0.5
"""Rows that stand in a bin without any."""
MOST_CATEGORIES: Final = 50
"""Categories that are compared one by one; others are one."""


@final
class Drift(NamedTuple):
    """The change of one column.

    Attributes
    ----------
    psi
        Population stability index; by custom up to .1 is small, and over .25 large.
    statistic, p_value
        Of a two-sample test: Kolmogorov-Smirnov for numbers, χ² for categories.
    missing_before, missing_after
        Shares of missing cells in both piles.
    """

    psi: float
    statistic: float
    p_value: float
    missing_before: float
    missing_after: float


def psi(expected: Any, actual: Any) -> float:
    """Return the population stability index of two samples.

    Numbers are divided into tenths of ``expected``; missing cells are a bin of their own. Half a
    row stands in each bin without any.

    References
    ----------
    Siddiqi, Credit Risk Scorecards, 2006.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=5000)
    >>> psi(x, x + 0.01) < 0.01 < 0.25 < psi(x, x + 1)
    True
    """
    return _psi(*_shares(expected, actual))


def drift_of(expected: Any, actual: Any) -> Drift:
    """Return the drift of a column from one pile to another: numbers, dates or categories.

    Raises
    ------
    DataError
        If a pile is empty.

    Examples
    --------
    >>> drift_of(["a", "b"] * 50, ["a", "a", "a", "b"] * 25).p_value < 0.01
    True
    """
    one, other = (pd.Series(part) for part in (expected, actual))
    missing = (float(one.isna().mean()), float(other.isna().mean()))
    counts = _shares(one, other)
    if _numeric(one, other):
        pair = [part.dropna().to_numpy(np.float64) for part in (one, other)]
        if min(map(len, pair)):
            found = stats.ks_2samp(*pair, method="asymp")
            return Drift(_psi(*counts), float(found.statistic), float(found.pvalue), *missing)
    table = np.stack(counts)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return Drift(0.0, 0.0, 1.0, *missing)
    chi2, p = stats.chi2_contingency(table, correction=False)[:2]
    return Drift(_psi(*counts), float(chi2), float(p), *missing)


def _numeric(*parts: pd.Series[Any]) -> bool:
    return all(pd.api.types.is_numeric_dtype(part) for part in parts)


def _shares(expected: Any, actual: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of rows of both piles in each bin, the last for missing cells."""
    one, other = (pd.Series(part) for part in (expected, actual))
    if not len(one) or not len(other):
        raise DataError("drift must be asked between two piles of rows; got an empty one")
    if _numeric(one, other):
        edges = np.unique(np.nanquantile(one.astype(np.float64), np.arange(1, BINS) / BINS))
        edges = edges[~np.isnan(edges)]
        codes = [np.searchsorted(edges, part.to_numpy(np.float64)) for part in (one, other)]
        k = len(edges) + 1
    else:
        often = pd.concat([one, other]).astype(str).value_counts().index[:MOST_CATEGORIES]
        codes = [np.asarray(often.get_indexer(pd.Index(part.astype(str)))) for part in (one, other)]
        k = len(often) + 1
        codes = [np.where(code < 0, k - 1, code) for code in codes]
    holes = [part.isna().to_numpy() for part in (one, other)]
    counted = [
        np.bincount(np.where(hole, k, code), minlength=k + 1).astype(np.float64)
        for code, hole in zip(codes, holes, strict=True)
    ]
    return counted[0], counted[1]


def _psi(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    there = (one + other) > 0
    p, q = (np.maximum(part[there], HALF) / part.sum() for part in (one, other))
    return float(((q - p) * np.log(q / p)).sum())
