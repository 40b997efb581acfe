"""Rows as counts of features, for clusterers of counts."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
import torch
from scipy import sparse

from fourfold.algorithms.clustering.counts import refuse_empty
from fourfold.algorithms.codebook import Codebook, CodebookLayer
from fourfold.core.parameters import PositiveInt
from fourfold.data.rows import SparseRows
from fourfold.errors import DataError
from fourfold.estimators.problem import Labelled, Unlabelled
from fourfold.frozen.blocks import as_tensor
from fourfold.methods.clustering._clusters import Clusters
from fourfold.networks.normalized_counts import NormalizedCounts, Normalizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.problem import Problem
    from fourfold.networks.builder import Body

__all__ = ["ClustersCounts", "counts_of", "share_body"]

WORDS: Final = 8
"""Words of a codebook for each number, by default."""
SAMPLE: Final = 5000
"""Rows of a domain that the codebook is learnt from."""


class ClustersCounts(Clusters, ABC):
    """A clusterer of rows that hold counts: how often each feature occurs in them.

    Parameters
    ----------
    codebook
        Number of words of a :class:`~fourfold.algorithms.codebook.Codebook` for each number;
        ``"auto"``: 8 where some number is negative, none where all are counts; None: never.

    Raises
    ------
    DataError
        If there are negative numbers and no codebook, or a row of zeros, in ``fit`` and in rows of
        counts to predict; a text without a known word goes to the first cluster.

    Notes
    -----
    Numbers of a table are standardized, and kinds and words of texts become columns of their own;
    where a number is negative then, a codebook counts all columns, words among them. Texts are best
    given alone, or with numbers as a sparse matrix of counts.
    """

    codebook: Literal["auto"] | PositiveInt | None = "auto"

    @final
    def check_ready(self, rows: Rows, ready: Rows) -> None:
        builder = self.model_.builder
        counts = rows.kind != "texts" and self.inputs_.frozen is None
        if counts and isinstance(builder, NormalizedCounts) and not builder.n_words:
            refuse_empty(_full(ready))


def share_body(problem: Problem, codebook: Literal["auto"] | int | None) -> Body:
    """Build the body of a clusterer of counts: rows to (B, m) shares that add up to 1."""
    parts = [problem.target.rows]
    if isinstance(problem.source, (Labelled, Unlabelled)):
        parts.append(problem.source.data.rows)
    words = codebook
    if words == "auto":
        words = WORDS if any(_is_signed(problem.inputs, part) for part in parts) else None
    body = problem.body(NormalizedCounts(n_words=words or 0))
    if words:
        samples = [_sample(body, part) for part in parts]
        if not np.isfinite([x.max() - x.min() for x in samples]).all():
            raise DataError("numbers must be small enough to be subtracted; got some too large")
        book = Codebook(n_words=max(2, words))
        book.fit_samples(samples)
        codes = next(stage for stage in body.children() if isinstance(stage, CodebookLayer))
        codes.load_state_dict(book.module().state_dict())
    return body


def counts_of(body: Body, rows: Rows) -> sparse.csr_matrix:
    """Return the counts of rows, before they are divided by their sum: (n, m)."""
    stages = list(body.children())[:-1]
    if isinstance(rows, SparseRows) and not stages:
        return sparse.csr_matrix(rows.matrix, dtype=np.float32)
    return sparse.vstack([sparse.csr_matrix(x) for x in _through(stages, rows)]).tocsr()


def _full(rows: Rows) -> NDArray[np.bool_]:
    """Return a mask of rows of counts with more than zeros, (n,)."""
    if isinstance(rows, SparseRows):
        full: NDArray[np.bool_] = np.asarray(rows.matrix.sum(axis=1)).ravel() != 0
        return full
    return np.concatenate([x.reshape(len(x), -1).any(axis=1) for x in rows.blocks()])


def _is_signed(inputs: Inputs, rows: Rows) -> bool:
    """Return whether a prepared number is negative."""
    ready = inputs.above_preparation(rows)
    if isinstance(ready, SparseRows):
        return bool(ready.matrix.nnz and ready.matrix.data.min() < 0)
    return any(bool((np.asarray(block) < 0).any()) for block in ready.blocks())


def _sample(body: Body, rows: Rows) -> NDArray[np.float32]:
    """Read numbers (n, d) as the codebook will get them."""
    stages = [s for s in body.children() if not isinstance(s, (CodebookLayer, Normalizer))]
    few = rows.subset(rows.draw(SAMPLE))
    return np.concatenate(list(_through(stages, few)))


def _through(stages: Sequence[torch.nn.Module], rows: Rows) -> Iterator[Any]:
    with torch.inference_mode():
        for block in rows.blocks():
            x = as_tensor(block)
            for stage in stages:
                x = stage(x)
            yield x.float().numpy()
