"""Scores of probabilities of an event: ranks, distances and losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn import metrics

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "auc_score",
    "brier_score",
    "checked",
    "gini_score",
    "ks_statistic",
    "log_loss",
    "wilson_interval",
]

NORMAL_95: Final = 1.959963984540054
"""Quantile of the normal distribution for an interval of 95 %."""


def checked(event: Any, p: Any) -> tuple[NDArray[np.bool_], Floats]:
    """Return whether the event happened and its probabilities, both (n,).

    Raises
    ------
    DataError
        If lengths differ, there is no row, or a probability is outside of 0 and 1.
    """
    happened, chances = np.asarray(event), np.asarray(p, np.float64)
    if happened.shape != chances.shape or happened.ndim != 1 or not len(chances):
        raise DataError(
            "events and probabilities must be of the same rows, (n,) both; got "
            f"{happened.shape} and {chances.shape}"
        )
    if not ((chances >= 0) & (chances <= 1)).all():
        raise DataError("probabilities must lie in [0, 1]; got others")
    if not np.isin(happened, (0, 1)).all():
        raise DataError("events must be true or false for each row; got other values")
    return happened.astype(bool), chances


def auc_score(event: Any, p: Any) -> float:
    """Return the area under the ROC curve: the share of pairs in the right order.

    Raises
    ------
    DataError
        If the event happened in all rows, or in none.

    Examples
    --------
    >>> auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return float(metrics.roc_auc_score(*_both(event, p)))


def gini_score(event: Any, p: Any) -> float:
    """Return the Gini coefficient, 2·AUC − 1.

    Examples
    --------
    >>> gini_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * auc_score(event, p) - 1


def ks_statistic(event: Any, p: Any) -> float:
    """Return the Kolmogorov-Smirnov distance of the scores of rows with and without the event.

    Examples
    --------
    >>> ks_statistic([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    false, true, _ = metrics.roc_curve(*_both(event, p), drop_intermediate=False)
    return float(np.abs(true - false).max())


def brier_score(event: Any, p: Any) -> float:
    """Return the mean squared error of probabilities.

    Examples
    --------
    >>> brier_score([0, 1], [0.5, 0.5])
    0.25
    """
    happened, chances = checked(event, p)
    return float(np.mean((chances - happened) ** 2))


def log_loss(event: Any, p: Any) -> float:
    """Return the mean negative log-likelihood; probabilities are clipped at 1e-12.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
    0.6931
    """
    happened, chances = checked(event, p)
    chances = chances.clip(1e-12, 1 - 1e-12)
    return float(-np.mean(np.where(happened, np.log(chances), np.log1p(-chances))))


def wilson_interval(count: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of n rows.

    References
    ----------
    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of the
    American Statistical Association 1927.

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(0, 10)]
    [0.0, 0.278]
    """
    if not n:
        return 0.0, 1.0
    share, z = count / n, NORMAL_95**2 / n
    middle = (share + z / 2) / (1 + z)
    half = NORMAL_95 / (1 + z) * np.sqrt(share * (1 - share) / n + z / n / 4)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def _both(event: Any, p: Any) -> tuple[NDArray[np.bool_], Floats]:
    """Return events and probabilities where some rows have the event and some do not."""
    happened, chances = checked(event, p)
    if happened.all() or not happened.any():
        raise DataError("the event must have happened in some rows and not in others; got one kind")
    return happened, chances
