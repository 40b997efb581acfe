"""Information maximization: sure predictions that use all classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import entr

from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task

__all__ = ["information_maximization"]


def information_maximization(
    task: Task, outputs: Any, shares: NDArray[np.float64] | None = None
) -> float:
    """Compute the mutual information of rows and predicted classes: H(mean p) − mean H(p), in nats.

    It is high where each row is predicted for sure and all classes are in use; no label is needed.
    With the shares (k,) that the classes should have it is −KL(mean p ‖ shares) − mean H(p).

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
    mean = p.mean(axis=0)
    wanted = np.ones(len(mean)) if shares is None else shares
    return float(entr(mean).sum() + mean @ np.log(wanted) - entr(p).sum(axis=-1).mean())
