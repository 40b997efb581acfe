"""Integrated gradients of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["integrated_gradients"]

STEPS: Final = 64
MOST_CELLS: Final = 1 << 22
"""Numbers of rows on their paths that are held at once."""


def integrated_gradients(
    score: Callable[[Tensor], Tensor], x: NDArray[np.float32], start: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Attribute the difference of scores between a starting row and each row to features.

    A feature gets the mean gradient along the straight line between the rows, times their
    difference: the sum over features is the difference of the scores, exactly for lines.

    Parameters
    ----------
    score
        From rows (B, d) to scores (B, k).
    x, start
        Rows (n, d), and the row (d,) that they are compared with.

    Returns
    -------
    (n, d, k).

    References
    ----------
    Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks, ICML 2017.
    """
    at = (torch.arange(STEPS) + 0.5)[:, None, None] / STEPS
    origin = torch.from_numpy(start)
    step = max(1, MOST_CELLS // (STEPS * max(1, len(start))))
    found = []
    for first in range(0, len(x), step):
        away = torch.from_numpy(x[first : first + step]) - origin  # (B, d)
        path = (origin + at * away).flatten(0, 1).requires_grad_()
        outputs = score(path)
        slopes = [
            torch.autograd.grad(column.sum(), path, retain_graph=True)[0].view(STEPS, *away.shape)
            for column in outputs.T
        ]
        found.append(torch.stack([slope.mean(0) * away for slope in slopes], dim=-1))
    return torch.cat(found).double().numpy()
