"""Clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
import torch
from scipy.special import entr
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.core.tasks.base import mean_over_labels
from fourfold.core.tasks.categorical import Categorical
from fourfold.core.tasks.labels import as_classes
from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["Clustering"]


@final
class Clustering(Categorical):
    """One cluster for each row; labels are ignored.

    Parameters
    ----------
    n_clusters
        Number of clusters.

    Attributes
    ----------
    classes_
        (k,) numbers of the clusters, from 0.
    """

    n_clusters: PositiveInt = 8
    kind: ClassVar[str] = "clusterer"
    answer_name: ClassVar[str] = "scores"

    def fit(self, domain: Domain) -> Self:
        if self.n_clusters > domain.n_rows:
            raise DataError(
                f"n_clusters must be at most the number of rows; got {self.n_clusters} clusters "
                f"for {domain.n_rows} rows"
            )
        return self.among(np.arange(self.n_clusters))

    def encode(self, domain: Domain) -> Tensor:
        return torch.full((domain.n_rows,), -1)

    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        return y.numpy()

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        losses = F.cross_entropy(outputs, y, ignore_index=-1, reduction="none")
        return mean_over_labels(losses, y >= 0, weight)

    def answers(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return outputs

    def answer_module(self) -> nn.Module:
        return nn.Identity()

    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[np.float32],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """Compute the normalized mutual information of clusters and classes, in [0, 1].

        It is scikit-learn's ``normalized_mutual_info_score``, which takes 3 ms for its checks:
        seconds where rows are resampled.
        """
        classes, true = np.unique(as_classes(y), return_inverse=True)
        k = outputs.shape[1]
        pairs = true * k + outputs.argmax(axis=1)
        counts = np.bincount(pairs, weight, len(classes) * k).reshape(-1, k)
        shares = counts / counts.sum()
        joint, of_classes, of_clusters = (
            float(entr(p).sum()) for p in (shares, shares.sum(axis=1), shares.sum(axis=0))
        )
        both = of_classes + of_clusters
        return max(0.0, 2 * (both - joint) / both) if both else 1.0

    def rows_right(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> None:
        del y, outputs
