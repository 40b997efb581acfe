"""Average Fisher Sensitivity of the columns of a progressive network, and its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.algorithms.fisher import activation_fisher
from fourfold.core.findings import Facts, HeatMap
from fourfold.frozen.blocks import as_tensor
from fourfold.networks.columns import joints

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.model import Model
    from fourfold.networks.columns import ColumnNetwork

__all__ = ["column_findings", "column_sensitivity"]

MOST_ROWS: Final = 1000
"""Target rows that sensitivities are averaged over."""


def column_sensitivity(
    model: Model, network: ColumnNetwork, rows: Rows, task: Task
) -> list[list[float]]:
    """Share out the sensitivity of the answers at each stage among the columns.

    Parameters
    ----------
    model, network
        The model, and the columns in its body.
    rows
        As the columns get them.
    task
        Of the model's outputs.

    Returns
    -------
    list of list
        (stages, columns); NaN where a column has no such stage.
    """
    parts = network.column_list
    own = joints(parts[-1].stages)
    where = [(at, j) for at in own for j, c in enumerate(parts) if at in c.joint_of.values()]

    def run(x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features, activations = network.with_activations(x)
        return model.head(features), [activations[j][at] for at, j in where]

    x = as_tensor(rows.sample(MOST_ROWS))
    fisher = dict(zip(where, activation_fisher(run, x, task), strict=True))
    table = np.array([[fisher.get((at, j), np.nan) for j in range(len(parts))] for at in own])
    total = np.nansum(table, axis=1, keepdims=True)
    shares: list[list[float]] = (table / np.where(total > 0, total, np.nan)).tolist()
    return shares


def column_findings(
    network: ColumnNetwork, sensitivity: list[list[float]], transfer_score: float | None
) -> list[HeatMap | Facts]:
    """Return the table of sensitivities, and how much was transferred."""
    stages = list(network.column_list[-1].joint_of)
    old = [f"column {i}" for i in range(1, len(network.column_list))]
    newest = np.array(sensitivity, float)[:, -1]
    known = newest[~np.isnan(newest)]
    share = f"{100 * (1 - known.mean()):.0f} %" if known.size else "unknown: nothing matters"
    facts = {"Of what the answers depend on, in old columns": share}
    if transfer_score is not None:
        score = f"{100 * transfer_score:.0f} % (a column alone: 100 %)"
        facts["Transfer score, by the area under the learning curve"] = score
    title = "Average Fisher Sensitivity: what the answers depend on"
    return [
        HeatMap(title, "column", "stage", [*old, "the new one"], stages, sensitivity),
        Facts("Did it transfer?", facts),
    ]
