"""Base of co-clusterers: clusters of rows and of features together, alone or with other data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, NamedTuple, final

import annotated_types as at
import numpy as np
import torch
from torch import nn

from fourfold.algorithms.clustering.counts import Counts, Partition, blocks, objective
from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.algorithms.clustering.latent import components, depth, unit_coordinates
from fourfold.algorithms.clustering.search import (
    WEIGHTS,
    best_weight,
    cocluster,
    held_out_by_weight,
)
from fourfold.core.findings import Bars, Curves, Facts, HeatMap
from fourfold.core.parameters import PositiveInt
from fourfold.estimators.model import Model
from fourfold.estimators.problem import Fitted
from fourfold.methods.clustering._counts import ClustersCounts, counts_of, share_body

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Problem

__all__ = ["Auxiliary", "CoClusters"]

NOTHING: Final = 1e-6
"""Least share of a feature cluster in a cluster, for new rows."""


@final
class Auxiliary(NamedTuple):
    """Part of the auxiliary data in the objective.

    Attributes
    ----------
    weight
        λ; None: chosen by held-out information.
    n_clusters
        Number of clusters of their rows.
    """

    weight: float | None
    n_clusters: int


class CoClusters(ClustersCounts, ABC):
    """A clusterer that keeps the mutual information of rows and features.

    It minimizes Σ w_t [I(X_t;Z) − I(X̃_t;Z̃)] over tables t; a new row goes to the cluster with the
    least D(p(Z|x) ‖ p̃(Z|x̃)), over the feature clusters.

    Parameters
    ----------
    n_feature_clusters
        Number of clusters of features, at most as many as there are features.
    n_init
        Number of starts of the whole search.
    restarts
        Number of restarts of the target's rows alone, from the best of these.
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
    def _auxiliary(self) -> Auxiliary | None:
        """Return the part of the auxiliary data; None without such data."""

    @final
    def build_head(self, task: Task, width: int) -> nn.Module:
        return nn.Linear(width, task.n_outputs, bias=False)

    @property
    def feature_labels_(self) -> NDArray[np.int64]:
        """(m,) the cluster of each feature; −1 for one that never occurs."""
        labels: NDArray[np.int64] = self.clusters_["features"].numpy()
        return labels

    @property
    def objective_(self) -> float:
        """The objective, in nats."""
        return float(self.clusters_["objective"])

    @final
    def _cluster(self, problem: Problem) -> Fitted:
        auxiliary = self._auxiliary()
        body = share_body(problem, self.codebook)
        counted = [counts_of(body, problem.target.rows)]
        tables = [Counts(counted[0], "the target")]
        if auxiliary is not None:
            counted.append(counts_of(body, problem.source_data.rows))
            tables.append(Counts(counted[1], "the source"))
        there = np.any([table.feature_totals > 0 for table in tables], axis=0)
        width = min(self.n_feature_clusters, int(there.sum()))
        weights, sizes, start = [1.0], [self.n_clusters, width], None
        choice: list[Bars] = []
        if auxiliary is not None:
            sizes.insert(1, min(auxiliary.n_clusters, tables[1].n))
            weight = auxiliary.weight
            if weight is None:
                weight, choice = _choose_weight(tables, sizes, problem.seed)
            weights.append(weight)
            start = _latent_clusters(counted, self.n_clusters, problem.seed)
        found = cocluster(
            tables,
            weights,
            sizes,
            n_init=self.n_init,
            restarts=self.restarts,
            max_iter=self.max_iter,
            seed=problem.seed,
            rows=start,
        )
        found.rows[0] = _in_order(found.rows[0])
        joint = blocks(tables[0], found.rows[0], found.features, self.n_clusters, width)
        head = problem.head(body.width)
        head.load_state_dict({"weight": _scores(joint, found.features, there)})
        reached = objective(tables, weights, found)
        clusters = {
            "features": torch.from_numpy(np.where(there, found.features, -1)),
            "objective": torch.tensor(reached, dtype=torch.float64),
            "lambda": torch.tensor([*weights[1:]], dtype=torch.float64),
        }
        return Fitted(
            Model(body, head.requires_grad_(requires_grad=False)),
            findings=[*choice, *_findings(found, joint, tables, sizes, width)],
            state={"clusters_": clusters},
        )


def _choose_weight(tables: list[Counts], sizes: list[int], seed: int) -> tuple[float, list[Bars]]:
    """Choose λ by held-out information; return it and the finding that shows the choice."""
    kept = held_out_by_weight(tables[0], tables[1], sizes, seed=seed)
    weight = best_weight(WEIGHTS, kept)
    names = [f"{candidate:g}" for candidate in WEIGHTS]
    finding = Bars(
        title=f"Held-out information by the weight of auxiliary data; taken: {weight:g}",
        across="nats for each count",
        names=names,
        values=kept,
        notes=[f"λ = {name}" for name in names],
    )
    return weight, [finding]


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
    """Return log p̃(z̃ | x̃) of each feature's cluster, (k, m): log p̃(z|x̃) without its term of z."""
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
