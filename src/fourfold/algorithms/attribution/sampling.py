"""Shapley values of any function, by sampled orders of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["sampled_values"]

ORDERS: Final = 8
"""Orders of the columns that are drawn; each is also taken backwards."""


def sampled_values(
    score: Callable[[NDArray[np.float32]], Floats],
    x: NDArray[np.float32],
    usual: NDArray[np.float32],
    groups: NDArray[np.intp],
) -> Floats:
    """Estimate the Shapley values (n, columns, scores) of columns of rows x, (n, d).

    A column that is not known has the features of the usual row. In each order columns become known
    one by one, and each is given the change of the scores; so the values add up to the score less
    that of the usual row, exactly.

    Parameters
    ----------
    score
        From rows (n, d) to scores (n, scores).
    usual
        (d,) features.
    groups
        (d,) the column of each feature, from 0.

    References
    ----------
    Štrumbelj & Kononenko, Explaining Prediction Models and Individual Predictions with Feature
    Contributions, Knowledge and Information Systems 2014; Mitchell, Cooper, Frank & Holmes,
    Sampling Permutations for Shapley Value Estimation, JMLR 2022: antithetic orders.
    """
    count, start = int(groups.max()) + 1, np.tile(usual, (len(x), 1))
    first = score(start)
    found = np.zeros((len(x), count, first.shape[1]))
    drawn: Any = [np.random.default_rng(i).permutation(count) for i in range(ORDERS)]
    orders = [*drawn, *(order[::-1] for order in drawn)]
    for order in orders:
        known, before = start.copy(), first
        for column in order:
            of = groups == column
            known[:, of] = x[:, of]
            now = score(known)
            found[:, column] += now - before
            before = now
    return found / len(orders)
