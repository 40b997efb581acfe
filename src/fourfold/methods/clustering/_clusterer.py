"""What all clusterers have in common: nobody's labels are looked at, and new rows get a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
import torch
from scipy import sparse

from fourfold.algorithms.clustering.counts import refuse_empty
from fourfold.algorithms.codebook import Codebook, Codes
from fourfold.core.findings import Facts
from fourfold.core.parameters import PositiveInt
from fourfold.core.tasks import Clustering, Task
from fourfold.data.domain import Domain
from fourfold.data.rows import SparseRows, as_rows, evenly
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.frozen.blocks import as_tensor, in_blocks
from fourfold.networks.cut import Cut
from fourfold.networks.shares import Share, Shares
from fourfold.preparation.choose import AsIs, Standardize, WordCounts, default_preparation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.clustering.kmeans import Means
    from fourfold.data.rows import Rows
    from fourfold.estimators.network import Given
    from fourfold.estimators.problem import Job, Model
    from fourfold.networks.builder import Body
    from fourfold.preparation.choose import Preparation

__all__ = ["Clusterer", "CountClusterer", "fewer_than_asked"]


class Clusterer(NetworkEstimator, ABC):
    """A method that puts rows into clusters; labels, if there are any, are not looked at.

    Its model answers for new rows: (n, k) scores, of which the highest is the row's cluster.

    Parameters
    ----------
    n_clusters
        How many clusters of the target's rows.
    network
        None, or a network cut in two, whose frozen part gives the features: nothing trains here.
    prepare
        None leaves numbers ≥ 0 as they are, standardizes others, and counts the words of texts.

    Attributes
    ----------
    labels_
        (n,) the clusters of the fitted rows: what ``predict`` gives for them.
    """

    n_clusters: PositiveInt = 2

    needs: ClassVar[Needs] = Needs(target_labels=False)
    blind: ClassVar[bool] = True
    kind: ClassVar[str] = "clusterer"
    tensors: ClassVar[tuple[str, ...]] = ("fitted_",)

    @abstractmethod
    def _cluster(self, job: Job) -> Model:
        """Find clusters; return the model that gives a score for each."""

    @final
    def _learn(self, job: Job) -> Model:
        if not (self.network is None or isinstance(self.network, Cut)):
            raise ParameterError(
                f"network of {type(self).__name__} must be None or a network cut in two, since "
                f"nothing trains here; got {type(self.network).__name__}"
            )
        self.fitted_: dict[str, torch.Tensor] = {}
        model = self._cluster(job)
        labels = in_blocks(model, job.target.rows).argmax(axis=1)
        self.fitted_["labels"] = torch.from_numpy(labels.astype(np.int64))
        return model

    @property
    def labels_(self) -> NDArray[np.int64]:
        """(n,) the clusters of the fitted rows."""
        self.check_fitted()
        labels: NDArray[np.int64] = self.fitted_["labels"].numpy()
        return labels

    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> NDArray[np.int64]:
        """Fit, and return the clusters of the fitted rows, (n,)."""
        return self.fit(X, y, **params).labels_

    def task_for(
        self,
        target: Domain,
        source: Domain | None,  # noqa: ARG002  labels say nothing here
        given: Given | None,  # noqa: ARG002  the same
    ) -> Task:
        if self.task is not None:
            raise ParameterError(
                f"task of {type(self).__name__} must be None: it finds clusters, n_clusters says "
                f"how many; got {type(self.task).__name__}"
            )
        return Clustering(n_clusters=self.n_clusters).fit(target)

    def preparation_for(self, rows: list[Rows], *, brought: bool) -> Preparation:
        if isinstance(self.network, Cut):
            return default_preparation(*rows, brought=brought)
        kinds = {part.kind for part in rows}
        if "texts" in kinds:
            return WordCounts(weights="counts")
        if "table" in kinds or "sparse" in kinds:
            return default_preparation(*rows)
        signed = any(
            part.dtype.kind in "if" and block.min() < 0 for part in rows for block in part.blocks()
        )
        return Standardize() if signed and len(rows[0].shape) <= 3 else AsIs()


class CountClusterer(Clusterer, ABC):
    """A clusterer of rows that hold counts: how often each feature occurs in them.

    Parameters
    ----------
    codebook
        How many words a number is counted by (:class:`~fourfold.algorithms.codebook.Codebook`);
        ``"auto"``: 8 where some number is negative, none where all are counts; None: never.

    Raises
    ------
    DataError
        If there are negative numbers and no codebook, or a row with nothing in it, in ``fit`` and
        where counts are asked about; a text without a word that is known goes to the first cluster.

    Notes
    -----
    Of a table, numbers are standardized, and kinds and words of texts become columns of their own;
    where a number is negative then, a codebook counts all columns, words among them. Texts are best
    given alone, or with numbers as a sparse matrix of counts.
    """

    codebook: Literal["auto"] | PositiveInt | None = "auto"

    @final
    def shares(self, job: Job) -> Body:
        """Build the network's lower part, from rows to (B, m) shares that add up to 1."""
        parts = [job.target.rows, *([job.source.rows] if job.source else [])]
        words = self.codebook
        if words == "auto":
            words = WORDS if any(_is_signed(self, part) for part in parts) else None
        self.builder_ = Shares(words=words or 0)
        body = self.build_body()
        if words:
            samples = [_sampled(body, part) for part in parts]
            if not np.isfinite([x.max() - x.min() for x in samples]).all():
                raise DataError("numbers must be small enough to be subtracted; got some too large")
            book = Codebook(n_words=max(2, words))
            book.take(samples)
            codes = next(stage for stage in body.children() if isinstance(stage, Codes))
            codes.load_state_dict(book.module().state_dict())
        return body

    @final
    def _asked(self, X: Any) -> Rows:
        rows = X.rows if isinstance(X, Domain) else as_rows(X)
        ready = self._ready(rows)
        given = rows.kind != "texts" and self.frozen_ is None
        if given and isinstance(self.builder_, Shares) and not self.builder_.words:
            refuse_empty(_full(ready))
        return ready

    @final
    def counted(self, body: Body, rows: Rows) -> sparse.csr_matrix:
        """Return what is counted in rows, before it is divided by its sum: (n, m)."""
        stages = list(body.children())[:-1]
        if isinstance(rows, SparseRows) and not stages:
            return sparse.csr_matrix(rows.matrix, dtype=np.float32)
        return sparse.vstack([sparse.csr_matrix(x) for x in _passed(stages, rows)]).tocsr()


def fewer_than_asked(means: Means, k: int) -> list[Facts]:
    """Return the finding that rows have fewer distinct places than clusters were asked for."""
    there = len(means.centres)
    if there == k:
        return []
    return [Facts("Clusters", {"clusters with rows": f"{there} of {k}: other rows are alike"})]


WORDS = 8
"""Of a codebook, where nobody says how many."""
SAMPLE = 5000
"""Rows of a domain that the words are chosen on."""


def _full(rows: Rows) -> NDArray[np.bool_]:
    """Tell which rows of counts have more than zeros, (n,)."""
    if isinstance(rows, SparseRows):
        full: NDArray[np.bool_] = np.asarray(rows.matrix.sum(axis=1)).ravel() != 0
        return full
    return np.concatenate([x.reshape(len(x), -1).any(axis=1) for x in rows.blocks()])


def _is_signed(estimator: CountClusterer, rows: Rows) -> bool:
    """Tell whether a prepared number is negative."""
    ready = estimator.prepared(rows)
    if isinstance(ready, SparseRows):
        return bool(ready.matrix.nnz and ready.matrix.data.min() < 0)
    return any(bool((np.asarray(block) < 0).any()) for block in ready.blocks())


def _sampled(body: Body, rows: Rows) -> NDArray[np.float32]:
    """Read numbers (n, d) as the codebook will see them."""
    stages = [s for s in body.children() if not isinstance(s, (Codes, Share))]
    few = rows.subset(evenly(rows.n, SAMPLE))
    return np.concatenate(list(_passed(stages, few)))


def _passed(stages: list[torch.nn.Module], rows: Rows) -> Any:
    with torch.inference_mode():
        for block in rows.blocks():
            x = as_tensor(block)
            for stage in stages:
                x = stage(x)
            yield x.float().numpy()
