"""Peers where nothing has a label: k-means on TF-IDF, on main axes of both domains or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from benchmarks.arena.peers.base import Found
from benchmarks.arena.rating import Answers

if TYPE_CHECKING:
    from typing import Any

    from benchmarks.arena.task import Case

__all__ = ["script"]


def script(case: Case) -> dict[str, Found]:
    """Cluster in both ways; nothing tells which is better, so that the first is the script."""
    counts = [sparse.csr_array(rows.X) for rows in (case.source, case.target)]
    both = TfidfTransformer(sublinear_tf=True).fit_transform(sparse.vstack(counts).tocsr())
    n, k = counts[0].shape[0], case.clusters
    assert k is not None
    axes = TruncatedSVD(min(10 * k, both.shape[1] - 1), random_state=0).fit_transform(both)
    return {
        "SVD of both, k-means": Found(_clusters(normalize(axes)[n:], k), 0.0),
        "k-means": Found(_clusters(both[n:], k), 1.0),
    }


def _clusters(X: Any, k: int) -> Answers:
    return Answers(KMeans(k, n_init=10, random_state=0).fit_predict(X))
