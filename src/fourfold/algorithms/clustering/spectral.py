"""Spectral coordinates of rows and features that occur together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

__all__ = ["Coordinates", "coordinates"]


@final
class Coordinates(NamedTuple):
    """Coordinates of rows and features, the coarsest division first.

    Attributes
    ----------
    rows, features
        (n, r) and (m, r): D_r^-½ U and D_z^-½ V for the singular vectors of D_r^-½ A D_z^-½ but the
        first; a feature that no row has lies at 0.
    values
        (r,) the singular values.
    """

    rows: Numbers
    features: Numbers
    values: Numbers


def coordinates(counts: sparse.csr_matrix, r: int, random: np.random.Generator) -> Coordinates:
    """Find spectral coordinates (Dhillon, 2001).

    Parameters
    ----------
    counts
        (n, m) ≥ 0, no row of zeros.
    r
        How many, at most; tables of few rows or features have fewer.
    random
        Draws the start of the iteration.
    """
    rows = 1 / np.sqrt(np.asarray(counts.sum(axis=1)).ravel())
    mass = np.asarray(counts.sum(axis=0)).ravel()
    features = np.divide(1.0, np.sqrt(mass), out=np.zeros_like(mass), where=mass > 0)
    scaled = (sparse.diags_array(rows) @ counts @ sparse.diags_array(features)).tocsr()
    least = min(scaled.shape)
    if least <= max(64, r + 2):  # small: in full
        u, values, vt = np.linalg.svd(scaled.toarray(), full_matrices=False)
        u, values, vt = u[:, : r + 1], values[: r + 1], vt[: r + 1]
    else:
        u, values, vt = svds(scaled, k=r + 1, v0=random.standard_normal(least))
        order = np.argsort(-values)
        u, values, vt = u[:, order], values[order], vt[order]
    sign = np.where(vt[np.arange(len(vt)), np.abs(vt).argmax(axis=1)] < 0, -1.0, 1.0)
    u, vt = u * sign, vt * sign[:, None]
    return Coordinates(u[:, 1:] * rows[:, None], vt[1:].T * features[:, None], values[1:])
