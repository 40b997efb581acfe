"""Agreement of predictions with clusters of the target's inputs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.neighbors import kneighbors_graph

from fourfold.algorithms.alignment import common_axes
from fourfold.data.rows import SparseRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Index, Rows
    from fourfold.preparation.base import Preparation

__all__ = ["Clusters"]

MOST_ROWS: Final = 2000
"""Rows that are clustered, drawn by content."""
NEIGHBOURS: Final = 10
"""Neighbours of a row in the graph that is cut into clusters, at least."""


@final
class Clusters(NamedTuple):
    """Rows of a target, at positions (n,), and the cluster (n,) of each.

    Clusters are of the graph of nearest neighbours: classes that are apart, of any shape.

    References
    ----------
    Ng, Jordan & Weiss, On Spectral Clustering: Analysis and an Algorithm, NeurIPS 2001; Chapelle &
    Zien, Semi-Supervised Classification by Low Density Separation, AISTATS 2005; von Luxburg, A
    Tutorial on Spectral Clustering, Statistics and Computing 2007.
    """

    at: Index
    codes: NDArray[np.int32]

    @property
    def told(self) -> bool:
        """Whether there are clusters: of very few rows there are none."""
        return bool(self.codes.any())

    @classmethod
    def of(cls, rows: Rows, prepare: Preparation, k: int) -> Self:
        """Cluster prepared rows, wide ones on their main axes; very few are one cluster."""
        at = rows.draw(MOST_ROWS)
        if len(at) < 2 * max(k, NEIGHBOURS):
            return cls(at, np.zeros(len(at), np.int32))
        ready = prepare.transform(rows.subset(at))
        x = ready.matrix if isinstance(ready, SparseRows) else ready.take(np.arange(ready.n))
        x = x.reshape(len(at), -1) if isinstance(x, np.ndarray) else x
        axes = common_axes(x, x)
        x = x if axes is None else x @ axes
        spectral = SpectralClustering(k, affinity="precomputed", random_state=0)
        with warnings.catch_warnings():  # parts that are not connected are clusters, too
            warnings.simplefilter("ignore", UserWarning)
            return cls(at, spectral.fit_predict(_graph(x, k)))

    def agreement(
        self, task: Task, outputs: Any, shares: NDArray[np.float64] | None = None
    ) -> float:
        """Compute the adjusted mutual information of clusters and predictions of all rows.

        A model that predicts by chance, or one class alone, has 0. Of two classes with known shares
        (2,) each model predicts the second one for as many rows, those of its highest scores:
        models that predict a rare class more often than others would seem to know more.

        References
        ----------
        Vinh, Epps & Bailey, Information Theoretic Measures for Clusterings Comparison, JMLR 2010;
        Musgrave, Belongie & Lim, Three New Validators and a Large-Scale Benchmark Ranking for
        Unsupervised Domain Adaptation, 2022: ClassAMI.
        """
        guesses = np.asarray(task.decode(outputs))[self.at]
        if shares is not None and len(shares) == 2:
            score = np.asarray(outputs)[:, 1] - np.asarray(outputs)[:, 0]
            guesses = (score > np.quantile(score, shares[0]))[self.at]
        return float(adjusted_mutual_info_score(self.codes, guesses))

    def tell(self, codes: NDArray[np.integer[Any]]) -> float:
        """Compute the adjusted mutual information of clusters and classes (n,) of all rows."""
        return float(adjusted_mutual_info_score(self.codes, codes[self.at]))


def _graph(x: Any, k: int) -> Any:
    """Return the graph (n, n) of nearest neighbours, of at most k parts that are not connected.

    Of more parts, k clusters would be any k unions of these: rows then get twice the neighbours.
    """
    near = NEIGHBOURS
    while True:
        graph = kneighbors_graph(x, near, include_self=True)
        if connected_components(graph, directed=False)[0] <= k:
            return (graph + graph.T) / 2
        near = min(2 * near, x.shape[0])
