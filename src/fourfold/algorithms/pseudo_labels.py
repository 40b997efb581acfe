"""Pseudo-labels: a model's own surest answers, class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["surest"]


def surest(
    p: NDArray[np.float32], share: float, least: float = 0.0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the surest rows by probabilities (m, k), and the classes that they are given.

    Of each predicted class it is a share of its rows, of these the ones that are at least as
    probable as ``least``.
    """
    guess, sure = p.argmax(axis=1), p.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    parts = [order[guess[order] == k] for k in range(p.shape[1])]
    rows = np.concatenate([part[: int(np.ceil(share * len(part)))] for part in parts])
    rows = rows[sure[rows] >= least]
    return rows, guess[rows]
