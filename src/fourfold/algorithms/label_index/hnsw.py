"""Hnsw: a graph of neighbours, walked from far to near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import faiss
import numpy as np

from fourfold.algorithms.label_index.approximate import Approximate
from fourfold.algorithms.label_index.arrays import BLOCK
from fourfold.algorithms.label_index.backend import Options, one_by_one

if TYPE_CHECKING:
    from fourfold.algorithms.label_index.backend import Found, Positions, Vectors

__all__ = ["Hnsw"]

CANDIDATES: Final = 80
"""Candidates for a vector's neighbours while the graph is built."""
SLACK: Final = 1e-5
"""Relative excess of ‖v‖² + 2b for which the graph is not built again."""


@final
class Hnsw(Approximate):
    """A graph of neighbours; vectors are (v, a), and biases are kept apart."""

    effort = 64
    index_class = faiss.IndexHNSWFlat
    mapping = faiss.IO_FLAG_MMAP_IFC
    stores_bias = False

    @classmethod
    def _empty(cls, labels: Vectors, options: Options) -> Any:
        return _graph(labels.shape[1] + 1 - options.biased, options.neighbours)

    def _train(self, labels: Vectors, options: Options) -> None:
        pass  # the graph alone is the structure

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        self.inner.add(np.column_stack([self._plain(labels), more]))
        if self.biased:
            self.bias = np.concatenate([self.bias, labels[:, -1]])

    def _extend(self, reach: float) -> None:
        if not self.n or reach - self.reach <= SLACK * abs(self.reach):
            return
        old, n = self.inner, self.n
        self.inner = _graph(old.d, old.hnsw.nb_neighbors(1))
        self.reach, bias, self.bias = reach, self.bias, self.bias[:0]
        for at in range(0, n, BLOCK):
            block = old.reconstruct_n(at, min(BLOCK, n - at))[:, :-1]
            if self.biased:
                block = np.column_stack([block, bias[at : at + BLOCK]])
            self._keep(block, self._further(block))

    @property
    def max_effort(self) -> int:
        return self.n

    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        plain = self._plain(queries)
        asked = np.column_stack([plain, np.zeros((len(plain), 1), np.float32)])
        if effort >= self.n:
            _, positions = one_by_one(asked, lambda one: self.inner.storage.search(one, k))
        else:
            kept = faiss.SearchParametersHNSW(efSearch=max(effort, k))
            _, positions = self.inner.search(asked, k, params=kept)
        return self._scores(plain, positions), positions

    def _scores(self, queries: Vectors, positions: Positions) -> Vectors:
        """Return true scores (n, k); faiss's squared distances lose digits."""
        scores = np.full(positions.shape, -np.inf, np.float32)
        for i, found in enumerate(positions):
            there = found[found >= 0]
            vectors = self.inner.reconstruct_batch(there)[:, :-1].astype(np.float64)
            scores[i, found >= 0] = (vectors * queries[i]).sum(axis=1) + (
                self.bias[there] if self.biased else 0
            )
        return scores

    def _load(self) -> None:
        self.inner = faiss.deserialize_index(faiss.serialize_index(self.inner))


def _graph(width: int, neighbours: int) -> Any:
    inner = faiss.IndexHNSWFlat(width, neighbours, faiss.METRIC_L2)
    inner.hnsw.efConstruction = CANDIDATES
    return inner
