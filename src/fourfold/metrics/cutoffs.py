"""Cut-offs and deciles: shares of approved rows, and of the event among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from fourfold.metrics.two_classes import checked, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["CutOff", "Decile", "cut_offs", "deciles"]

RATES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@final
class CutOff(NamedTuple):
    """Rows up to a probability, which are approved.

    Attributes
    ----------
    approved
        Share of rows that are approved.
    threshold
        Largest probability among them.
    rate
        Share of these with the event, e.g. the bad rate.
    low, high
        Its 95 % interval.
    caught
        Share of all events that are among the others.
    """

    approved: float
    threshold: float
    rate: float
    low: float
    high: float
    caught: float


@final
class Decile(NamedTuple):
    """Rows of a tenth of the scores, the riskiest last.

    Attributes
    ----------
    low, high
        Probabilities between which they lie, the upper one included.
    rows
        Number of rows, and share of all.
    rate
        Share with the event; None without rows.
    lift
        That share over the one of all rows; None without rows or events.
    """

    low: float
    high: float
    rows: int
    rate: float | None
    lift: float | None


def cut_offs(event: Any, p: Any, *, rates: Sequence[float] = RATES) -> list[CutOff]:
    """Return the cut-off of each approval rate, the least probable rows approved first.

    Rows of equal probability are approved together.

    Examples
    --------
    >>> half, whole = cut_offs([0, 1, 1, 1], [0.1, 0.2, 0.8, 0.9], rates=(0.5, 1.0))
    >>> half.threshold, half.rate, round(half.caught, 2), whole.rate
    (0.2, 0.5, 0.67, 0.75)
    """
    happened, chances = checked(event, p)
    order = np.sort(chances)
    found = []
    for rate in rates:
        threshold = float(order[max(round(rate * len(order)), 1) - 1])
        inside = chances <= threshold
        count, n = int(happened[inside].sum()), int(inside.sum())
        caught = 1 - count / happened.sum() if happened.any() else 0.0
        ends = wilson_interval(count, n)
        found.append(CutOff(n / len(order), threshold, count / n, *ends, float(caught)))
    return found


def deciles(event: Any, p: Any, *, edges: NDArray[np.float64] | None = None) -> list[Decile]:
    """Return the tenths of the scores, with the share of rows that have the event in each.

    Parameters
    ----------
    event, p
        (n,) whether the event happened, and its probabilities.
    edges
        (9,) probabilities between the tenths, e.g. of another domain; None takes those of p.

    Examples
    --------
    >>> tenths = deciles(np.arange(100) >= 90, np.arange(100) / 100)
    >>> tenths[-1].rate, tenths[-1].lift, tenths[0].rate
    (1.0, 10.0, 0.0)
    """
    happened, chances = checked(event, p)
    inner = np.quantile(chances, RATES[:-1]) if edges is None else np.asarray(edges)
    at = np.searchsorted(inner, chances)
    bounds, usual = [0.0, *inner.tolist(), 1.0], float(happened.mean())
    found = []
    for place in range(len(inner) + 1):
        inside = at == place
        n = int(inside.sum())
        rate = float(happened[inside].mean()) if n else None
        lift = rate / usual if rate is not None and usual else None
        found.append(Decile(bounds[place], bounds[place + 1], n, rate, lift))
    return found
