"""Clusters of rows and of features together, alone or beside auxiliary data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, NamedTuple, final

import annotated_types as at
import numpy as np
import torch
from torch import nn

from fourfold.algorithms.clustering.auxiliary_weight import (
    WEIGHTS,
    best_weight,
    held_out_by_weight,
)
from fourfold.algorithms.clustering.counts import Counts
from fourfold.algorithms.clustering.information import Partition, blocks, objective
from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.algorithms.clustering.latent import components, depth, unit_coordinates
from fourfold.algorithms.clustering.search import cocluster
from fourfold.core.findings import Bars, Curves, Facts, HeatMap
from fourfold.core.parameters import PositiveInt
from fourfold.estimators.problem import Model
from fourfold.methods.clustering._clusterer import CountClusterer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from fourfold.estimators.problem import Job

__all__ = ["Auxiliary", "CoClusterer"]

NOTHING: Final = 1e-6
"""What a cluster holds at least of a feature cluster, to new rows."""


@final
class Auxiliary(NamedTuple):
    """How auxiliary data take part.

    Attributes
    ----------
    weight
        λ; None: chosen by held-out information.
    n_clusters
        Number of clusters of their rows.
    """

    weight: float | None
    n_clusters: int


class CoClusterer(CountClusterer, ABC):
    """Clusters that lose the least mutual information, Σ w_t [I(X_t;Z) − I(X̃_t;Z̃)].

    A new row goes to argmin D(p(Z|x) ‖ p̃(Z|x̃)), over the feature clusters.

    Parameters
    ----------
    n_feature_clusters
        Number of clusters of features, at most that of features.
    n_init
        Number of draws of all clusters.
    restarts
        Number of draws of the target's rows alone, from the best so far.
    max_iter
        Largest number of rounds of each search.

    Attributes
    ----------
    feature_labels_
        (m,) the cluster of each feature, or of each word of the codebook; −1 for one that never
        occurs.
    objective_
        The objective, in nats.
    """

    n_feature_clusters: PositiveInt = 32
    n_init: PositiveInt = 8
    restarts: Annotated[int, at.Ge(0)] = 16
    max_iter: PositiveInt = 100

    renamed: ClassVar[dict[str, str]] = {"starts": "n_init", "rounds": "max_iter"}

    @abstractmethod
    def _auxiliary(self, job: Job) -> Auxiliary | None:
        """Return how auxiliary data take part; None without such data."""

    def last_layer(self, width: int) -> nn.Module:
        return nn.Linear(width, self.task_.n_outputs, bias=False)

    @property
    def feature_labels_(self) -> NDArray[np.int64]:
        """(m,) the cluster of each feature; −1 for one that never occurs."""
        self.check_fitted()
        labels: NDArray[np.int64] = self.fitted_["features"].numpy()
        return labels

    @property
    def objective_(self) -> float:
        """The objective, in nats."""
        self.check_fitted()
        return float(self.fitted_["objective"])

    @final
    def _cluster(self, job: Job) -> Model:
        beside = self._auxiliary(job)
        body = self.shares(job)
        counted = [self.counted(body, job.target.rows)]
        tables = [Counts(counted[0], "the target")]
        if beside is not None:
            counted.append(self.counted(body, job.source_data.rows))
            tables.append(Counts(counted[1], "the source"))
        there = np.any([table.feature_totals > 0 for table in tables], axis=0)
        width = min(self.n_feature_clusters, int(there.sum()))
        weights, sizes, start = [1.0], [self.n_clusters, width], None
        if beside is not None:
            sizes.insert(1, min(beside.n_clusters, tables[1].n))
            weights.append(self._weight(beside, tables, sizes))
            start = _latent_clusters(counted, self.n_clusters, self.random_state)
            self.fitted_["lambda"] = torch.tensor(weights[1], dtype=torch.float64)
        found = cocluster(
            tables,
            weights,
            sizes,
            n_init=self.n_init,
            restarts=self.restarts,
            max_iter=self.max_iter,
            seed=self.random_state,
            rows=start,
        )
        found.rows[0] = _in_order(found.rows[0])
        joint = blocks(tables[0], found.rows[0], found.features, self.n_clusters, width)
        self.fitted_["features"] = torch.from_numpy(np.where(there, found.features, -1))
        self.fitted_["objective"] = torch.tensor(
            objective(tables, weights, found), dtype=torch.float64
        )
        self.findings_ += _findings(found, joint, tables, sizes, width)
        head = self.last_layer(body.width)
        head.load_state_dict({"weight": _scores(joint, found.features, there)})
        return Model(body, head.requires_grad_(requires_grad=False))

    def _weight(self, beside: Auxiliary, tables: list[Counts], sizes: list[int]) -> float:
        """Return λ, chosen by held-out information where nobody says it."""
        if beside.weight is not None:
            return beside.weight
        kept = held_out_by_weight(tables[0], tables[1], sizes, seed=self.random_state)
        weight = best_weight(WEIGHTS, kept)
        names = [f"{candidate:g}" for candidate in WEIGHTS]
        self.findings_.append(
            Bars(
                title=f"Held-out information by the weight of auxiliary data; taken: {weight:g}",
                across="nats for each count",
                names=names,
                values=kept,
                notes=[f"λ = {name}" for name in names],
            )
        )
        return weight


def _latent_clusters(counted: list[sparse.csr_matrix], k: int, seed: int) -> NDArray[np.intp]:
    """Cluster the target's rows in latent coordinates of all tables, (n,)."""
    directions = components(counted, depth(k), terms=True, seed=seed)
    return k_means(unit_coordinates(counted[0], directions, terms=True), k, seed=seed).labels


def _in_order(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Renumber clusters in the order in which their first rows come."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[inverse].astype(np.intp)


def _scores(
    joint: NDArray[np.float64], features: NDArray[np.intp], there: NDArray[np.bool_]
) -> torch.Tensor:
    """Return log p̃(z̃ | x̃) of each feature's cluster, (k, m): p̃(z|x̃) but for what z alone says."""
    total = joint.sum(axis=1, keepdims=True)
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    logs = np.log(np.maximum(share, NOTHING))[:, features]
    return torch.from_numpy(np.where(there, logs, 0.0).astype(np.float32))


def _findings(
    found: Partition,
    joint: NDArray[np.float64],
    tables: list[Counts],
    sizes: list[int],
    width: int,
) -> list[Curves | HeatMap | Facts]:
    names = ("target", "auxiliary data")
    facts = {
        f"rows of the {name}": f"{table.n} in {k} clusters"
        for name, table, k in zip(names, tables, sizes, strict=False)
    }
    facts["features"] = f"{tables[0].m} in {width} clusters"
    facts["objective"] = f"{found.curve[-1]:.4f} nats"
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True) / joint.sum()
    lift = np.divide(joint, expected, out=np.ones_like(joint), where=expected > 0)
    order = np.argsort(-joint.sum(axis=0))
    return [
        Curves(
            title="What the clusters lose of what rows and features tell of each other",
            across="round",
            up="nats",
            x=[str(i) for i in range(len(found.curve))],
            lines={"objective": [float(value) for value in found.curve]},
        ),
        HeatMap(
            title="How often feature clusters occur in clusters of rows; 1 is as in all",
            across="feature cluster, the most frequent first",
            down="cluster",
            columns=[str(i) for i in order],
            rows=[str(i) for i in range(len(joint))],
            values=lift[:, order].tolist(),
        ),
        Facts("Co-clusters", facts),
    ]
