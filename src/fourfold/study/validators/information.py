"""Information maximization: sure predictions that use all classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import entr

from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from fourfold.core.tasks import Task

__all__ = ["information_maximization"]


def information_maximization(task: Task, outputs: Any) -> float:
    """Compute the mutual information of rows and predicted classes: H(mean p) − mean H(p), in nats.

    It is high where each row is predicted for sure and all classes are in use; no label is needed.

    References
    ----------
    Musgrave, Belongie & Lim, Three New Validators and a Large-Scale Benchmark Ranking for
    Unsupervised Domain Adaptation, 2022.
    """
    if not isinstance(task, Classification):
        raise ParameterError(
            f"without labels only classes can be validated; got a {type(task).__name__}: "
            "bring some target labels"
        )
    p = task.probabilities(outputs).astype(np.float64)
    return float(entr(p.mean(axis=0)).sum() - entr(p).sum(axis=-1).mean())
