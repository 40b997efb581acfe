"""The gate: intervals of paired differences, their verdicts, and Δm over several tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, final

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.study.metrics.base import Rater

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.intp]

__all__ = [
    "LEVEL",
    "Bootstrap",
    "Interval",
    "Intervals",
    "Verdict",
    "corrected_t",
    "delta_m",
    "holm",
    "is_clear",
]

K = TypeVar("K")

LEVEL: Final = 0.05
"""Family-wise error rate: the chance of any wrong verdict of a study."""
CLEAR: Final = 0.001
"""Level of looks before the last one; so strict a one leaves ``LEVEL`` almost as it is."""
BLOCK: Final = 1 << 18
"""Weights that are drawn at once; few enough for a cache."""
LEAST_ROUNDS, MOST_ROUNDS, DRAWN = 500, 2000, 20_000_000
"""Resamples, at least and at most, and rows that are drawn for them."""

Verdict: TypeAlias = Literal["helped", "hurt", "undecided"]


@final
@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval.

    Attributes
    ----------
    mean, low, high
        The difference, and the ends of its interval after Holm's correction.
    p
        Two-sided p-value, not corrected.
    """

    mean: float
    low: float
    high: float
    p: float

    def negated(self) -> Interval:
        """Return the interval of the difference the other way round."""
        return Interval(0.0 - self.mean, 0.0 - self.high, 0.0 - self.low, self.p)


Intervals: TypeAlias = Callable[[float], Interval]
"""From a level, such as .05, to the interval at this level."""


def corrected_t(differences: Floats, test_share: float) -> Intervals:
    """Estimate the interval of a mean difference over repeated splits with shared training rows.

    The J scores are not independent: the variance of the differences is multiplied by
    1/J + test share/(1 − test share).

    Parameters
    ----------
    differences
        (J,) paired differences, one a seed × split.
    test_share
        Share of held-out rows in a split, in [0, 1).

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


@final
class Bootstrap:
    """Resamples of rows, or of whole groups of rows, and of seeds: the same for all models.

    Parameters
    ----------
    n_rows
        Number of rows.
    weight
        (rows,) weights of the rows, above 0; None where all are alike.
    groups
        (rows,) group of each row; each row is one of its own by default.
    rounds, seed
        Number of resamples, by default 2,000, or fewer of very many rows; seed of their draws.
    """

    def __init__(
        self,
        n_rows: int,
        *,
        weight: Floats | None = None,
        groups: Codes | None = None,
        rounds: int | None = None,
        seed: int = 0,
    ) -> None:
        self.weight = np.ones(n_rows) if weight is None else weight
        self.codes = None if groups is None else np.unique(groups, return_inverse=True)[1]
        self.n_drawn = n_rows if self.codes is None else int(self.codes.max()) + 1
        self.rounds = rounds or max(LEAST_ROUNDS, min(MOST_ROUNDS, DRAWN // n_rows))
        self.seed = seed

    def rate(self, raters: Mapping[K, Sequence[Rater]]) -> dict[K, Floats]:
        """Return the scores of each model, (seeds, 1 + rounds): of all rows, then of the draws.

        A rater returns the scores (b,) of a seed's model under weights (rows, b).
        """
        found: dict[K, list[Floats]] = {name: [] for name in raters}
        for weights in self._weights():
            for name, of_seeds in raters.items():
                found[name].append(np.stack([rater(weights) for rater in of_seeds]))
        return {name: np.concatenate(blocks, axis=1) for name, blocks in found.items()}

    def interval(self, differences: Floats) -> Intervals:
        """Estimate the interval of the mean difference (seeds, 1 + rounds) of two models."""
        random, n = np.random.default_rng([self.seed, 1]), len(differences)
        seeds = random.multinomial(n, np.full(n, 1 / n), self.rounds) / n
        draws = np.einsum("bs,sb->b", seeds, differences[:, 1:])
        groups = None if self.codes is None else self.n_drawn
        return _percentiles(float(differences[:, 0].mean()), draws, groups)

    def _weights(self) -> Iterator[Floats]:
        """Yield the weights of the rows: once as they are, then blocks (rows, b) of draws."""
        yield self.weight[:, None]
        random, n = np.random.default_rng([self.seed, 0]), self.n_drawn
        most = max(1, BLOCK // len(self.weight))
        for start in range(0, self.rounds, most):
            b = min(most, self.rounds - start)
            drawn = random.integers(n, size=(b, n)) + n * np.arange(b)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n)
            rows = counts.T if self.codes is None else counts.T[self.codes]
            yield rows * self.weight[:, None]


def _percentiles(mean: float, draws: Floats, groups: int | None = None) -> Intervals:
    """Return the quantiles of draws; of a number of groups, widened for so few.

    Resampled means of g groups vary by too little, by √((g − 1)/g), and the quantiles of so few are
    those of Student's t with g − 1 degrees of freedom (Hesterberg, What Teachers Should Know About
    the Bootstrap, 2015).
    """
    rounds = len(draws)
    tail = min((draws <= 0).sum(), (draws >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (rounds + 1))
    if groups == 1:
        return lambda _level: Interval(mean, -np.inf, np.inf, 1.0)
    if groups is not None:
        shrunk = np.sqrt((groups - 1) / groups)
        p = float(2 * stats.t.sf(stats.norm.isf(p / 2) * shrunk, groups - 1))

    def at(level: float) -> Interval:
        low, high = np.quantile(draws, [level / 2, 1 - level / 2])
        wider = 1.0
        if groups is not None:
            wider = stats.t.isf(level / 2, groups - 1) / stats.norm.isf(level / 2) / shrunk
        return Interval(
            mean, mean + wider * float(low - mean), mean + wider * float(high - mean), p
        )

    return at


def is_clear(interval: Intervals) -> bool:
    """Return whether a difference is told from zero so well that runs may end before the last.

    References
    ----------
    Haybittle, Repeated Assessment of Results in Clinical Trials of Cancer Treatment, 1971; Peto et
    al., Design and Analysis of Randomized Clinical Trials, 1976.
    """
    return _verdict(interval(CLEAR)) != "undecided"


def holm(intervals: Mapping[K, Intervals]) -> dict[K, tuple[Interval, Verdict]]:
    """Judge several differences by Holm's procedure, at a family-wise error rate of 5 %.

    Each gets its interval at the level of the procedure, and the verdict: above 0 *helped*, below
    *hurt*, else *undecided*.

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


def delta_m(ours: Floats, alone: Floats, lower: NDArray[np.bool_]) -> Floats:
    """Compute Δm in percent: below zero is better; NaN where a task alone scores zero.

    Parameters
    ----------
    ours, alone
        (K, J) scores of K tasks in J runs, learnt together and each alone.
    lower
        (K,) whether lower scores are better.

    Returns
    -------
    ndarray
        (J,).

    References
    ----------
    Maninis, Radosavovic & Kokkinos, Attentive Single-Tasking of Multiple Tasks, CVPR 2019.

    Examples
    --------
    >>> accuracy, error = [0.9], [0.4]
    >>> delta_m(np.array([accuracy, error]), np.array([[0.8], [0.5]]), np.array([False, True]))
    array([-16.25])
    """
    change = (ours - alone) / np.where(alone == 0, np.nan, alone)
    worse: Floats = np.where(lower[:, None], change, -change)
    return np.asarray(100 * worse.mean(axis=0))
