"""Warm start: the target's network from the source's, with its last layer where that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import nn

from fourfold.core.tasks import Classification, Regression
from fourfold.errors import DataError
from fourfold.estimators.problem import Pretrained

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem

__all__ = ["Head", "can_keep_head", "keep_head", "warm_start"]

Head: TypeAlias = Literal["auto", "new", "source"]
"""Whether the last layer starts fresh, from the source's, or from the source's where it can."""


def warm_start(problem: Problem, head: Head = "auto") -> tuple[Model, bool]:
    """Put the target's last layer on the source model's body, which is not copied.

    Returned are the model, and whether its last layer is the source's. If that is asked for, and
    has not all outputs of the target, a DataError is raised.
    """
    if head == "source" and not can_keep_head(problem):
        raise DataError(
            "to start from the source's last layer, that must be linear, and have every class of "
            "the target, or as many numbers or answers; got another source or target"
        )
    source = problem.source_model
    model = problem.model(source.body)
    return model, keep_head(model.head, source.head, problem, head)


def keep_head(new: nn.Module, old: nn.Module, problem: Problem, head: Head = "auto") -> bool:
    """Start a last layer from the source's, if asked for and possible; return whether it does."""
    if head == "new":
        return False
    weights = _converted(old, problem.source_task, problem.task)
    if weights is not None:
        new.load_state_dict(weights)
    return weights is not None


def can_keep_head(problem: Problem) -> bool:
    """Return whether the target's outputs are among the source's, before anything is trained."""
    if isinstance(problem.source, Pretrained):
        old: nn.Module = problem.source.model.head
    elif problem.source_task is not None:
        old = nn.Linear(1, problem.source_task.n_outputs)
    else:
        return False
    return _converted(old, problem.source_task, problem.task) is not None


def _converted(head: nn.Module, source: Task | None, target: Task) -> dict[str, Tensor] | None:
    """Write a linear head for the outputs of another task; None where that has other outputs."""
    if not isinstance(head, nn.Linear):
        return None
    weights = head.state_dict()
    if isinstance(source, Classification) and isinstance(target, Classification):
        rows = source.codes(target.classes_)
        return None if (rows < 0).any() else {k: v[rows] for k, v in weights.items()}
    if source is None or type(source) is not type(target) or source.n_outputs != target.n_outputs:
        return None
    if not isinstance(source, Regression) or not isinstance(target, Regression):
        return weights
    ratio = source.scale_ / target.scale_
    shift = (source.mean_ - target.mean_) / target.scale_
    weight, bias = weights["weight"], weights["bias"]
    return {
        "weight": weight * torch.as_tensor(ratio[:, None]).to(weight),
        "bias": bias * torch.as_tensor(ratio).to(bias) + torch.as_tensor(shift).to(bias),
    }
