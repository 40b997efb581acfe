"""Latent coordinates: a truncated singular value decomposition of target and auxiliary rows.

Of counts it is latent semantic analysis (Deerwester, Dumais, Furnas, Landauer & Harshman, 1990).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Rows: TypeAlias = sparse.csr_matrix | Numbers

__all__ = ["components", "damped", "depth", "unit_coordinates"]

ITERATIONS: Final = 7
"""Power iterations of the randomized decomposition."""


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
    r
        Largest number of directions; fewer rows or features have fewer.
    terms
        Whether rows are counts of terms: then they are damped, and weighted by the inverse
        document frequency of each term over all rows (Spärck Jones, 1972), which is part of the
        directions; :func:`damped` is not.
    seed
        Seed of the decomposition.
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
        model = TruncatedSVD(r, n_iter=ITERATIONS, random_state=seed)
        found = model.fit(rows).components_
    return np.asarray(found * weights, np.float64)


def unit_coordinates(rows: Rows, directions: Numbers, *, terms: bool) -> Numbers:
    """Project rows (n, d) on directions (r, d), and bring them to unit length: (n, r)."""
    projected = (damped(rows) if terms else rows) @ directions.T
    return np.asarray(normalize(projected))
