"""Calibration: predicted probabilities beside shares that are observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from fourfold.metrics.two_classes import checked, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["CalibrationBin", "calibration_curve", "expected_calibration_error", "in_bins"]


@final
class CalibrationBin(NamedTuple):
    """Rows of about the same probability.

    Attributes
    ----------
    predicted, observed
        Mean probability, and share of rows with the event.
    low, high
        95 % interval of the share.
    rows
        Number of rows.
    """

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


def calibration_curve(event: Any, p: Any, *, bins: int = 10) -> list[CalibrationBin]:
    """Return bins of equal numbers of rows, by rising probability.

    Examples
    --------
    >>> p = np.repeat([0.1, 0.9], 50)
    >>> event = np.tile(np.arange(10) == 0, 10) ^ (p > 0.5)
    >>> [(round(b.predicted, 2), round(b.observed, 2)) for b in calibration_curve(event, p, bins=2)]
    [(0.1, 0.1), (0.9, 0.9)]
    """
    happened, chances = checked(event, p)
    found = []
    for part in in_bins(chances, bins):
        count, n = int(happened[part].sum()), len(part)
        ends = wilson_interval(count, n)
        found.append(CalibrationBin(float(chances[part].mean()), count / n, *ends, n))
    return found


def expected_calibration_error(event: Any, p: Any, *, bins: int = 10) -> float:
    """Return the mean distance of predicted and observed shares, over bins of equal numbers.

    References
    ----------
    Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    AAAI 2015.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=2), 3)
    0.25
    """
    curve = calibration_curve(event, p, bins=bins)
    total = sum(part.rows for part in curve)
    return sum(part.rows * abs(part.predicted - part.observed) for part in curve) / total


def in_bins(p: NDArray[np.float64], bins: int) -> Iterator[NDArray[np.intp]]:
    """Yield the positions of rows in bins of equal numbers, by rising probability."""
    order = np.argsort(p, kind="stable")
    for part in np.array_split(order, min(bins, len(order))):
        if len(part):
            yield part
