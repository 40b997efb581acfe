"""Ivf: an inverted file, a search through the nearest cells of k-means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import faiss
import numpy as np

from fourfold.algorithms.label_index.approximate import Approximate
from fourfold.algorithms.label_index.backend import Options, one_by_one

if TYPE_CHECKING:
    from fourfold.algorithms.label_index.backend import Found, Vectors

__all__ = ["Ivf"]

LEAST_PER_CELL: Final = 8
"""Least average number of vectors in a cell."""
ROUNDS: Final = 10
"""Of k-means."""
SAMPLE: Final = 64
"""Vectors per cell from which k-means learns."""


@final
class Ivf(Approximate):
    """Cells of k-means, of which a search takes those with the nearest centres.

    Vectors are (v, b, a), for true scores; b of the centres is 0, as nearness goes by (v, a).
    """

    effort = 16
    index_class = faiss.IndexIVFFlat
    mapping = faiss.IO_FLAG_MMAP
    stores_bias = True

    @classmethod
    def _empty(cls, labels: Vectors, options: Options) -> Any:
        n, width = labels.shape
        cells = min(options.cells or 2 ** round(np.log2(n) / 2), max(1, n // LEAST_PER_CELL))
        centres = faiss.IndexFlatL2(width + 1)
        inner = faiss.IndexIVFFlat(centres, width + 1, cells, faiss.METRIC_INNER_PRODUCT)
        k_means = inner.cp
        k_means.niter, k_means.seed = ROUNDS, options.seed
        k_means.min_points_per_centroid, k_means.max_points_per_centroid = 1, SAMPLE
        return inner

    def _train(self, labels: Vectors, options: Options) -> None:
        sample, enough = labels, SAMPLE * self.inner.nlist
        if len(labels) > enough:
            random = np.random.default_rng(options.seed)
            sample = labels[np.sort(random.choice(len(labels), enough, replace=False))]
        self.inner.train(self._near(sample, self._further(sample)))

    def _keep(self, labels: Vectors, more: Vectors) -> None:
        rows = np.column_stack([labels, more])
        _, cells = self.inner.quantizer.search(self._near(labels, more), 1)
        self.inner.add_core(len(rows), faiss.swig_ptr(rows), None, faiss.swig_ptr(cells))

    def _extend(self, reach: float) -> None:
        pass  # scores are true in any cell

    @property
    def max_effort(self) -> int:
        return int(self.inner.nlist)

    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        zeros, centres = np.zeros((len(queries), 1), np.float32), self.inner.quantizer
        self.inner.nprobe = min(effort, self.max_effort)
        near, cells = one_by_one(
            self._near(queries, zeros), lambda one: centres.search(one, self.inner.nprobe)
        )
        asked = np.column_stack([queries, zeros])
        found: Found = self.inner.search_preassigned(asked, k, cells, near)
        return found

    def _near(self, rows: Vectors, more: Vectors) -> Vectors:
        """Return the vectors that are compared to centres: (v, 0, a) with a bias, else (v, a)."""
        no_bias = [np.zeros((len(rows), 1), np.float32)] if self.biased else []
        return np.column_stack([self._plain(rows), *no_bias, more])

    def _load(self) -> None:
        mine = faiss.ArrayInvertedLists(self.inner.nlist, self.inner.code_size)
        every = faiss.InvertedLists.SUBSET_TYPE_ID_RANGE
        self.inner.invlists.copy_subset_to(mine, every, 0, self.inner.ntotal)
        self.inner.replace_invlists(mine, True)
        mine.this.disown()  # the index frees it
