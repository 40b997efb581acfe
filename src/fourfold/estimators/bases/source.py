"""Models of the source, learnt once for all fits that have the same one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.tasks import Regression
from fourfold.estimators.supervised import train_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample
    from fourfold.estimators.bases.base import Base, Learnt
    from fourfold.estimators.bases.features import Features
    from fourfold.estimators.problem import Problem

    Floats = NDArray[np.float64]

__all__ = ["learn_source", "source_in_units", "target_in_source_units", "units"]


def learn_source(problem: Problem, features: Features, base: Base) -> Learnt:
    """Choose a base's hyper-parameters on the source, and fit it to it, in the source's units.

    The model of the source is the same for every seed.
    """
    kept, first = _Kept(), base.seeded(0)

    def learn() -> None:
        kept.put(first.learn(features.sample(problem.source_data)))

    train_once(kept, replace(problem, seed=0).key(base.key), learn)
    learnt = first.restore(kept.get())
    return learnt._replace(base=learnt.base.seeded(problem.seed))


def source_in_units(problem: Problem, rows: Sample) -> Sample:
    """Return the source's rows with numbers in the target's units, unless these seem to be others.

    Labels in other units stay standardized by their own mean and spread.
    """
    slopes, shifts = _units(problem)
    return rows._replace(y=rows.y * slopes + shifts) if rows.y.ndim > 1 else rows


def target_in_source_units(problem: Problem, rows: Sample) -> Sample:
    """Return the target's rows with numbers in the source's units, as far as these are the same."""
    slopes, shifts = _units(problem)
    return rows._replace(y=(rows.y - shifts) / slopes) if rows.y.ndim > 1 else rows


def units(problem: Problem, columns: int) -> tuple[Floats, Floats]:
    """Return slopes and shifts (columns,) from scores of the source to these units."""
    slopes, shifts = _units(problem)
    return np.broadcast_to(slopes, (columns,)), np.broadcast_to(shifts, (columns,))


def _units(problem: Problem) -> tuple[Any, Any]:
    """Return the slopes and shifts from the source's standardized numbers to the target's."""
    source, target = problem.source_task, problem.task
    if not isinstance(source, Regression) or not isinstance(target, Regression):
        return 1.0, 0.0
    alike = source.shares_units(target)
    slopes = np.where(alike, source.scale_ / target.scale_, 1.0)
    return slopes, np.where(alike, (source.mean_ - target.mean_) / target.scale_, 0.0)


@final
class _Kept(nn.Module):
    """JSON as a tensor of bytes (n,), so that it is kept as trained models are."""

    content: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.put({})

    def put(self, value: dict[str, Any]) -> None:
        """Set the value."""
        text = bytearray(json.dumps(value).encode())
        self.register_buffer("content", torch.frombuffer(text, dtype=torch.uint8))

    def get(self) -> dict[str, Any]:
        """Return the value."""
        value: dict[str, Any] = json.loads(self.content.numpy().tobytes())
        return value

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *more: Any) -> None:
        self.register_buffer("content", torch.empty_like(state[f"{prefix}content"]))
        super()._load_from_state_dict(state, prefix, *more)
