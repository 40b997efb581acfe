"""k-means in latent coordinates that the auxiliary data help to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import torch
from scipy import sparse

from fourfold.algorithms.clustering.latent import components, depth
from fourfold.data.rows import SparseRows
from fourfold.methods.clustering._clusters import Clusters, around_means
from fourfold.methods.kit import Fitted, Needs, PositiveInt, Problem
from fourfold.networks.normalized_counts import Latent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["LatentKMeans"]

MOST_ROWS: Final = 20_000
"""Directions are found on at most so many rows of a domain, where rows are dense."""


@final
class LatentKMeans(Clusters):
    """Cluster the target by k-means in the latent coordinates of target and auxiliary data.

    Texts and sparse counts are weighted by TF-IDF, learnt on both; other rows are taken as
    prepared. The coordinates are a truncated singular value decomposition of both domains, in which
    a domain of n rows counts √n-fold, and rows are brought to unit length.

    Parameters
    ----------
    n_components
        Number of coordinates; None: 10, or four more than clusters where that is more.
    n_init
        Number of draws of the means, by k-means++; the best counts.

    References
    ----------
    Deerwester, Dumais, Furnas, Landauer & Harshman, Indexing by Latent Semantic Analysis, JASIS
    1990.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> zeros_and_ones, others = X[y < 2][:60], X[y >= 2][:500]
    >>> model = LatentKMeans(n_clusters=2).fit(zeros_and_ones, source=Domain(others))
    >>> model.score(X[y < 2], y[y < 2]) > 0.8
    True
    """

    n_components: PositiveInt | None = None
    n_init: PositiveInt = 10

    needs: ClassVar[Needs] = Needs(source=True, source_labels=False, target_labels=False)

    def _cluster(self, problem: Problem) -> Fitted:
        both = (problem.target.rows, problem.source_data.rows)
        parts = [problem.inputs.above_preparation(rows) for rows in both]
        counts = all(isinstance(part, SparseRows) for part in parts)
        directions = components(
            [_matrix(part, counts=counts) for part in parts],
            self.n_components or depth(self.n_clusters),
            terms=counts,
            seed=problem.seed,
        )
        body = problem.body(Latent(width=len(directions), counts=counts))
        body.get_submodule("project").load_state_dict({"weight": torch.from_numpy(directions)})
        return around_means(problem.model(body), problem, self.n_clusters, self.n_init)


def _matrix(rows: Rows, *, counts: bool) -> sparse.csr_matrix | NDArray[np.float64]:
    """Return rows as (n, d): sparse where they are counts, else at most MOST_ROWS of them."""
    if counts and isinstance(rows, SparseRows):
        return sparse.csr_matrix(rows.matrix, dtype=np.float64)
    few = rows.subset(rows.draw(MOST_ROWS))
    return np.concatenate([x.reshape(len(x), -1) for x in few.blocks()]).astype(np.float64)
