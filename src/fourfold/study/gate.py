"""The gate: did transfer help? Intervals of a paired difference, and a verdict that may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np
from scipy import stats

from fourfold.study.result import Interval, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Intervals: TypeAlias = Callable[[float], Interval]

__all__ = ["LEVEL", "bootstrap", "corrected_t", "holm", "paired_bootstrap"]

K = TypeVar("K")

LEVEL: Final = 0.05
"""Chance of a wrong verdict over all methods together."""


def corrected_t(differences: Floats, test_share: float) -> Intervals:
    """Interval of a mean difference over repeated splits that share training rows.

    The variance is that of the differences times (1/J + test share/(1 − test share)), since the
    J scores are not independent.

    Parameters
    ----------
    differences
        (J,) paired differences, one a seed × split.
    test_share
        Share of the rows that are held out in a split, in (0, 1).

    Returns
    -------
    callable
        From a level, e.g. .05, to the interval at it.

    References
    ----------
    Nadeau & Bengio, Inference for the Generalization Error, Machine Learning 2003.
    """
    n, mean = len(differences), float(differences.mean())
    variance = float(differences.var(ddof=1)) if n > 1 else np.inf
    error = float(np.sqrt(variance * (1 / n + test_share / (1 - test_share))))
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
        return lambda _level: Interval(mean, mean, mean, p)
    t = stats.t(max(n - 1, 1))
    p = float(2 * t.sf(abs(mean) / error))

    def at(level: float) -> Interval:
        half = float(t.ppf(1 - level / 2)) * error
        return Interval(mean, mean - half, mean + half, p)

    return at


def paired_bootstrap(differences: Floats, *, rounds: int = 4000, seed: int = 0) -> Intervals:
    """Interval of a mean difference over seeds × rows, both drawn anew.

    Parameters
    ----------
    differences
        (seeds, rows) paired differences of what the two models score on each row.
    rounds, seed
        How often, and from which random state.

    Returns
    -------
    callable
        From a level to the interval at it.
    """
    random = np.random.default_rng(seed)
    n_seeds, n_rows = differences.shape
    seeds = random.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), rounds) / n_seeds
    rows = random.multinomial(n_rows, np.full(n_rows, 1 / n_rows), rounds) / n_rows
    draws = np.einsum("bs,br,sr->b", seeds, rows, differences, optimize=True)
    return _percentiles(float(differences.mean()), draws)


def bootstrap(
    score: Callable[[int, NDArray[np.intp]], float], n_seeds: int, n_rows: int, *, rounds: int = 500
) -> Intervals:
    """Interval of a difference of scores that are no means over rows, e.g. AUC.

    Parameters
    ----------
    score
        The difference for a seed, on rows at these positions (with repetition).
    n_seeds, n_rows
        How many there are of each.
    rounds
        How often.

    Returns
    -------
    callable
        From a level to the interval at it.
    """
    random = np.random.default_rng(0)
    everything = np.arange(n_rows)
    mean = float(np.mean([score(s, everything) for s in range(n_seeds)]))
    draws = [
        np.mean([score(int(s), rows) for s in random.integers(n_seeds, size=n_seeds)])
        for rows in (random.integers(n_rows, size=n_rows) for _ in range(rounds))
    ]
    return _percentiles(mean, np.array(draws))


def _percentiles(mean: float, draws: Floats) -> Intervals:
    rounds = len(draws)
    tail = min((draws <= 0).sum(), (draws >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (rounds + 1))

    def at(level: float) -> Interval:
        low, high = np.quantile(draws, [level / 2, 1 - level / 2])
        return Interval(mean, float(low), float(high), p)

    return at


def holm(intervals: Mapping[K, Intervals]) -> dict[K, tuple[Interval, Verdict]]:
    """Judge several differences at once, so that the chance of any wrong verdict stays 5 %.

    Parameters
    ----------
    intervals
        Method, or task and method → its interval at a level.

    Returns
    -------
    dict
        The same → the interval at the level that Holm's procedure gives it, and the verdict: above
        0 *helped*, below *hurt*, else *undecided*.

    References
    ----------
    Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
    """
    order = sorted(intervals, key=lambda name: intervals[name](LEVEL).p)
    judged: dict[K, tuple[Interval, Verdict]] = {}
    open_ = True
    for i, name in enumerate(order):
        interval = intervals[name](LEVEL / (len(order) - i))
        verdict = _verdict(interval) if open_ else "undecided"
        open_ = open_ and verdict != "undecided"
        judged[name] = (interval, verdict)
    return {name: judged[name] for name in intervals}


def _verdict(interval: Interval) -> Verdict:
    if interval.low > 0:
        return "helped"
    return "hurt" if interval.high < 0 else "undecided"
