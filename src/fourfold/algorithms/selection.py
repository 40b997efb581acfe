"""The choice on a grid of hyper-parameters from repeated scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["central_choice"]


def central_choice(scores: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the central grid point among those within a standard error of the best score.

    On few held-out classes the single best point is best by chance.

    Parameters
    ----------
    scores
        (repeats, ...) of each grid point.

    Examples
    --------
    >>> central_choice(np.array([[0.1, 0.8, 0.8, 0.8, 0.2]] * 3))
    (2,)
    """
    mean = scores.mean(axis=0)
    best = np.unravel_index(mean.argmax(), mean.shape)
    error = scores[:, *best].std() / np.sqrt(len(scores))
    good = np.argwhere(mean >= mean.max() - error)
    place = good[((good - good.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return tuple(place.tolist())
