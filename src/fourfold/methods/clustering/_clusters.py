"""Base of clusterers: labels are not looked at, and new rows get a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
import torch

from fourfold.algorithms.clustering.kmeans import k_means, nearest_mean
from fourfold.core.findings import Facts
from fourfold.core.parameters import PositiveInt
from fourfold.core.tasks import Clustering, Task
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import OnFeatures
from fourfold.estimators.problem import Fitted
from fourfold.estimators.transfer import TransferEstimator
from fourfold.networks.cut import Cut
from fourfold.preparation.choose import AsIs, Standardize, WordCounts, default_preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.algorithms.clustering.kmeans import Means
    from fourfold.data.rows import Rows
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import ClassDescriptions, Given, Problem
    from fourfold.preparation.choose import Preparation

__all__ = ["Clusters", "around_means", "fewer_than_asked"]


class Clusters(OnFeatures, TransferEstimator, ABC):
    """A method that puts rows into clusters; labels, if there are any, are not looked at.

    Its model answers for new rows, too: (n, k) scores, of which the highest is the row's cluster.

    Parameters
    ----------
    n_clusters
        Number of clusters of the target's rows.
    prepare
        None leaves numbers ≥ 0 as they are, standardizes others, and counts the words of texts.

    Attributes
    ----------
    labels_
        (n,) the clusters of the fitted rows, as ``predict`` gives them.
    """

    n_clusters: PositiveInt = 2

    needs: ClassVar[Needs] = Needs(target_labels=False)
    uses_target_labels: ClassVar[bool] = False
    uses_weights: ClassVar[bool] = False
    estimator_type: ClassVar[Literal["classifier", "clusterer"]] = "clusterer"

    @abstractmethod
    def _cluster(self, problem: Problem) -> Fitted:
        """Find clusters; the model gives a score for each, further tensors are in ``clusters_``."""

    @final
    def _learn(self, problem: Problem) -> Fitted:
        fitted = self._cluster(problem)
        labels = fitted.model.outputs(problem.target.rows).argmax(axis=1)
        found: dict[str, Tensor] = {"labels": torch.from_numpy(labels.astype(np.int64))}
        return replace(fitted, state={"clusters_": found | fitted.state.get("clusters_", {})})

    @property
    def clusters_(self) -> dict[str, Tensor]:
        """Clusters of the fitted rows, and further tensors."""
        self.check_fitted()
        found: dict[str, Tensor] = self.fitted_.state["clusters_"]
        return found

    @property
    def labels_(self) -> NDArray[np.int64]:
        """(n,) the clusters of the fitted rows."""
        labels: NDArray[np.int64] = self.clusters_["labels"].numpy()
        return labels

    @final
    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> NDArray[np.int64]:
        """Fit, and return the clusters of the fitted rows, (n,)."""
        return self.fit(X, y, **params).labels_

    @final
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        del classes
        return Clustering(n_clusters=self.n_clusters).fit(given.target)

    @final
    def choose_preparation(self, rows: Sequence[Rows], *, user_network: bool) -> Preparation:
        if isinstance(self.network, Cut):
            return default_preparation(*rows, user_network=user_network)
        kinds = {part.kind for part in rows}
        if "texts" in kinds:
            return WordCounts(weights="counts")
        if "table" in kinds or "sparse" in kinds:
            return default_preparation(*rows)
        signed = any(
            part.dtype.kind in "if" and block.min() < 0 for part in rows for block in part.blocks()
        )
        return Standardize() if signed and len(rows[0].shape) <= 3 else AsIs()


def around_means(model: Model, problem: Problem, k: int, n_init: int) -> Fitted:
    """Cluster the target by k-means of a model's features; its head finds the nearest mean."""
    features = model.embed(problem.target.rows).astype(np.float64)
    means = k_means(features, k, n_init=n_init, seed=problem.seed)
    weights, biases = map(torch.from_numpy, nearest_mean(means.centres, k))
    model.head.load_state_dict({"weight": weights, "bias": biases})
    return Fitted(model, findings=fewer_than_asked(means, k))


def fewer_than_asked(means: Means, k: int) -> list[Facts]:
    """Return the finding that rows have fewer distinct places than clusters were asked for."""
    there = len(means.centres)
    if there == k:
        return []
    return [Facts("Clusters", {"clusters with rows": f"{there} of {k}: other rows are alike"})]
