"""Shares of classes in unlabelled rows, from a model of rows with other shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["shares_by_likelihood"]

MOST_STEPS: Final = 1000
NEAR: Final = 1e-6
"""Change of a share at which the steps end."""


def shares_by_likelihood(p: NDArray[Any], before: Floats, strength: float = 0.0) -> Floats:
    """Return the likeliest shares (k,) of classes in rows of probabilities (n, k), by EM.

    The probabilities are of a model that learnt with other shares, ``before``, and must be
    calibrated for these. ``strength`` is the number of rows with these shares that are added.

    References
    ----------
    Saerens, Latinne & Decaestecker, Adjusting the Outputs of a Classifier to New a Priori
    Probabilities, Neural Computation 2002. Alexandari, Kundaje & Shrikumar, Maximum Likelihood with
    Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation, ICML 2020.
    """
    shares = before.copy()
    for _ in range(MOST_STEPS):
        own = p * (shares / before)
        counts = (own / own.sum(axis=1, keepdims=True)).sum(axis=0) + strength * before
        last, shares = shares, counts / counts.sum()
        if np.abs(shares - last).max() < NEAR:
            break
    return shares
