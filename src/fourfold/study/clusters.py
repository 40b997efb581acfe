"""Clusters beside the true classes of rows to evaluate on: what no model has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.core.findings import Facts, HeatMap
from fourfold.study.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.study.runs import Outcome

__all__ = ["against"]

MOST: Final = 40
"""Classes or clusters that are drawn."""


def against(evaluate: Domain, outcomes: Sequence[Outcome]) -> list[Finding]:
    """Compare clusters to true classes: by numbers over all seeds, and class by class on the first.

    Parameters
    ----------
    evaluate
        Rows with labels.
    outcomes
        Of one method on the whole target, a seed each; at least one.
    """
    asked = [outcome.outputs["evaluate"][evaluate.labelled] for outcome in outcomes]
    mean = {
        name: np.mean(
            [SCORES[name](o.task, evaluate.known, a) for o, a in zip(outcomes, asked, strict=True)]
        )
        for name in ("nmi", "entropy")
    }
    bits = 0.0 - mean["entropy"]
    facts = Facts(
        "Clusters beside the true classes",
        {
            "normalized mutual information, 1 is the best": f"{mean['nmi']:.3f}",
            "entropy of the classes in a cluster, 0 is the best": f"{bits:.3f} bits",
        },
    )
    names = np.unique(evaluate.known)
    if max(len(names), asked[0].shape[1]) > MOST:
        return [facts]
    found = asked[0].argmax(axis=1)
    counts = np.array(
        [np.bincount(found[evaluate.known == n], minlength=asked[0].shape[1]) for n in names]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    heat = HeatMap(
        title="In which clusters the rows of each class lie, on the first seed",
        across="cluster",
        down="true class",
        columns=[str(i) for i in range(shares.shape[1])],
        rows=[str(name) for name in names],
        values=shares.tolist(),
    )
    return [facts, heat]
