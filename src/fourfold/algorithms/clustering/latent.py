"""Latent and spectral coordinates: singular value decompositions of rows.

The latent ones of counts are latent semantic analysis (Deerwester, Dumais, Furnas, Landauer &
Harshman, 1990).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import svd_flip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Rows: TypeAlias = sparse.csr_matrix | Numbers

__all__ = [
    "Coordinates",
    "components",
    "damped",
    "depth",
    "spectral_coordinates",
    "unit_coordinates",
]


def damped(counts: Rows) -> Rows:
    """Return log(1 + count), with the sign of the count: a word counts less each time it recurs."""
    if isinstance(counts, sparse.csr_matrix):
        return sparse.csr_matrix(counts.sign().multiply(abs(counts).log1p()))
    return np.sign(counts) * np.log1p(np.abs(counts))


def depth(k: int) -> int:
    """Return the number of coordinates for k clusters: 10, or k + 4 where that is more.

    The means of k clusters span at most k directions. Fewer coordinates are taken up by the
    auxiliary data, many more are the noise of few rows; on other collections than those reported,
    6 to 15 were alike.
    """
    return max(10, k + 4)


def components(parts: Sequence[Rows], r: int, *, terms: bool, seed: int) -> Numbers:
    """Return r directions (r, d) in which the rows of all parts are largest.

    A part of n rows counts √n-fold, so that many auxiliary rows neither outvote few target rows
    nor are ignored. A projection is x @ directions.T.

    Parameters
    ----------
    parts
        (n_i, d) the target's rows, then maybe the auxiliary ones.
    r, seed
        Largest number of directions, fewer of fewer rows or features; seed of the decomposition.
    terms
        Whether rows are counts of terms: then they are damped, and weighted by the inverse
        document frequency of each term over all rows (Spärck Jones, 1972), which is part of the
        directions; :func:`damped` is not.
    """
    weights = np.ones(parts[0].shape[1])
    if terms:
        parts = [damped(part) for part in parts]
        weights = TfidfTransformer(norm=None).fit(sparse.vstack(parts)).idf_
        parts = [normalize(part @ sparse.diags(weights)) for part in parts]
    scaled = [part / part.shape[0] ** 0.25 for part in parts]  # squares add up to √n
    rows: Any = sparse.vstack(scaled, format="csr") if terms else np.vstack(scaled)
    r = min(r, *rows.shape)
    if r == min(rows.shape):  # the randomized decomposition needs more rows and features than r
        dense = rows.toarray() if terms else rows
        found = np.linalg.svd(dense, full_matrices=False)[2][:r]
    else:
        model = TruncatedSVD(r, n_iter=7, random_state=seed)  # power iterations
        found = model.fit(rows).components_
    return np.asarray(found * weights, np.float64)


def unit_coordinates(rows: Rows, directions: Numbers, *, terms: bool) -> Numbers:
    """Project rows (n, d) on directions (r, d), and bring them to unit length: (n, r)."""
    projected = (damped(rows) if terms else rows) @ directions.T
    return np.asarray(normalize(projected))


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


def spectral_coordinates(
    counts: sparse.csr_matrix, r: int, random: np.random.Generator
) -> Coordinates:
    """Find at most r spectral coordinates of counts (n, m) without a row of zeros (Dhillon, 2001).

    The generator draws the start of the iteration. Few rows or features have fewer coordinates.
    """
    rows = 1 / np.sqrt(np.asarray(counts.sum(axis=1)).ravel())
    mass = np.asarray(counts.sum(axis=0)).ravel()
    features = np.divide(1.0, np.sqrt(mass), out=np.zeros_like(mass), where=mass > 0)
    scaled = (sparse.diags_array(rows) @ counts @ sparse.diags_array(features)).tocsr()
    least = min(scaled.shape)
    if least <= max(64, r + 2):  # small: in full
        u, values, vt = np.linalg.svd(scaled.toarray(), full_matrices=False)
    else:
        u, values, vt = svds(scaled, k=r + 1, v0=random.standard_normal(least))
    order = np.argsort(-values, kind="stable")[1 : r + 1]  # without the first
    u, vt = svd_flip(u[:, order], vt[order], u_based_decision=False)
    return Coordinates(u * rows[:, None], vt.T * features[:, None], values[order])
