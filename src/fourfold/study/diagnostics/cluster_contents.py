"""Clusters beside the true classes of rows to evaluate on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.core.findings import Facts, HeatMap
from fourfold.study.outcomes import take
from fourfold.study.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.study.outcomes import Outcome

__all__ = ["cluster_contents"]

MOST: Final = 40
"""Classes or clusters in a heat map."""


def cluster_contents(evaluate: Domain, outcomes: Sequence[Outcome]) -> list[Finding]:
    """Compare clusters to classes: scores over all seeds, and shares of classes on the first."""
    where = np.flatnonzero(evaluate.labelled)
    answers = [(o.task, take(o.outputs["evaluate"], where)) for o in outcomes]
    nmi, entropy = (
        np.mean([SCORES[name](task, evaluate.known, answer) for task, answer in answers])
        for name in ("nmi", "entropy")
    )
    facts = Facts(
        "Clusters beside the true classes",
        {
            "normalized mutual information, 1 is the best": f"{nmi:.3f}",
            "entropy of the classes in a cluster, 0 is the best": f"{0.0 - entropy:.3f} bits",
        },
    )
    classes, clusters = np.unique(evaluate.known), range(outcomes[0].task.n_outputs)
    if max(len(classes), len(clusters)) > MOST:
        return [facts]
    found = outcomes[0].predictions("evaluate")[where]
    counts = np.array(
        [np.bincount(found[evaluate.known == name], minlength=len(clusters)) for name in classes]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    heat = HeatMap(
        title="In which clusters the rows of each class lie, on the first seed",
        across="cluster",
        down="true class",
        columns=[str(i) for i in clusters],
        rows=[str(name) for name in classes],
        values=shares.tolist(),
    )
    return [facts, heat]
