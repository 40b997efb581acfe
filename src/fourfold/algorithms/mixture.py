"""Convex combinations of models' outputs."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.findings import Bars
from fourfold.core.tasks import Attributes, Classification, Regression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task

    Floats = NDArray[np.float64]

__all__ = ["LEAST", "Mixture", "Scale", "alike", "fit_mixture", "in_terms", "mixes"]

Scale: TypeAlias = Literal["log-odds", "probabilities"]
"""What is averaged: log-probabilities (numbers as they are), or probabilities."""

LEAST: Final = 1e-6
"""Least probability of a class before its logarithm is taken."""
STEADY: Final = 8.0
"""Weight of the penalty that keeps weights near those of before, in rows."""


def mixes(task: Task) -> bool:
    """Return whether outputs of a task can be combined."""
    return isinstance(task, (Attributes, Classification, Regression))


def alike(one: Task, other: Task) -> bool:
    """Return whether outputs of two tasks are of the same classes, or of as many numbers."""
    if isinstance(one, Classification) and isinstance(other, Classification):
        return np.array_equal(one.classes_, other.classes_)
    return type(one) is type(other) and one.n_outputs == other.n_outputs


@final
class Mixture(NamedTuple):
    """Weights (m,) of models, 1 in all, and the scale on which their outputs are averaged."""

    weights: tuple[float, ...]
    scale: Scale = "log-odds"

    def bars(self, names: Sequence[str]) -> Bars:
        """Describe the weights of named models, the largest first."""
        pairs = sorted(zip(names, self.weights, strict=True), key=itemgetter(1), reverse=True)
        return Bars(
            title=f"Weights of the blend, on {self.scale}",
            across="weight",
            names=[name for name, _ in pairs],
            values=[weight for _, weight in pairs],
            notes=[f"{weight:.2f}" for _, weight in pairs],
        )

    def module(self, task: Task, of: Sequence[Task]) -> nn.Module:
        """Return a module from the models' outputs, side by side (B, m·k), to outputs (B, k)."""
        return _Mixed(self, task, of)

    def mix(
        self, task: Task, of: Sequence[Task], outputs: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Combine the outputs (n, k) of models with tasks of their own to those of a task."""
        with torch.no_grad():
            both = torch.from_numpy(np.concatenate(outputs, axis=1))
            return np.asarray(self.module(task, of)(both).numpy())


def fit_mixture(
    task: Task,
    outputs: Sequence[NDArray[np.float32]],
    y: Tensor,
    weight: Tensor | None,
    *,
    before: Sequence[float],
    repeats: float = 1.0,
) -> Mixture:
    """Fit weights to rows that the models did not learn from, shrunk to given ones.

    They minimize the task's loss plus (½/n)·8·‖w − before‖² over the simplex, on the scale with the
    lower loss.

    Parameters
    ----------
    task
        Fitted.
    outputs
        (n, k) of each model, all in the task's terms.
    y, weight
        Labels as the task encodes them, and weights (n,) of the rows.
    before
        (m,) weights without any evidence.
    repeats
        How often each row is there, answered by several fits of the same models.
    """
    logs = _logs(task, torch.from_numpy(np.stack(outputs)).double())  # (m, n, k)
    start, penalty = torch.tensor(before, dtype=torch.float64), repeats * STEADY / (2 * len(y))
    weight = None if weight is None else (weight / weight.mean()).double()
    y = y.double() if y.is_floating_point() else y

    def loss(w: Tensor, scale: Scale) -> Tensor:
        return task.loss(_mixed(task, logs, w, scale), y, weight)

    def fit(scale: Scale) -> tuple[float, Scale, Floats]:
        def objective(w: Floats) -> tuple[float, Floats]:
            at = torch.tensor(w, requires_grad=True)
            value = loss(at, scale) + penalty * (at - start).square().sum()
            (slope,) = torch.autograd.grad(value, at)
            return value.item(), slope.numpy()

        one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}
        bounds = [(0, 1)] * len(start)
        found = minimize(
            objective, start.numpy(), jac=True, method="SLSQP", bounds=bounds, constraints=one
        )
        weights = np.clip(found.x, 0, None)
        return float(found.fun), scale, weights / weights.sum()

    scales: tuple[Scale, ...] = ("log-odds", "probabilities")
    fits = [fit(scale) for scale in (scales[:1] if isinstance(task, Regression) else scales)]
    _, scale, weights = min(fits, key=lambda one: one[0])
    return Mixture(tuple(weights.tolist()), scale)


def in_terms(task: Task, own: Task, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return outputs (n, k) of a model with a task of its own in a task's terms."""
    factor, shift = _units(task, own)
    return np.asarray(outputs * factor + shift, np.float32)


def _logs(task: Task, outputs: Tensor) -> Tensor:
    """Return outputs (…, k) as clipped log-probabilities of classes, or log-odds of answers."""
    if isinstance(task, Classification):
        return outputs.log_softmax(-1).clamp(min=float(np.log(LEAST)))
    if isinstance(task, Attributes):
        most = float(-np.log(LEAST))
        return outputs.clamp(-most, most)
    return outputs


def _mixed(task: Task, logs: Tensor, weights: Tensor, scale: Scale) -> Tensor:
    """Combine logs (m, B, k) by weights (m,): (B, k)."""
    w = weights[:, None, None]
    if scale == "log-odds" or isinstance(task, Regression):
        return (w * logs).sum(0)
    if isinstance(task, Attributes):
        yes = (w * F.logsigmoid(logs).exp()).sum(0)
        return yes.clamp(LEAST, 1 - LEAST).logit()
    return (w * logs.exp()).sum(0).clamp(min=LEAST).log()


@final
class _Mixed(nn.Module):
    """Outputs of models side by side (B, m·k) to outputs of their mixture (B, k)."""

    weights: Tensor
    factor: Tensor
    shift: Tensor

    def __init__(self, mixture: Mixture, task: Task, of: Sequence[Task]) -> None:
        super().__init__()
        self.task, self.scale = task, mixture.scale
        self.register_buffer("weights", torch.tensor(mixture.weights))
        factor, shift = zip(*(_units(task, one) for one in of), strict=True)
        self.register_buffer("factor", torch.tensor(np.stack(factor)).float()[:, None])
        self.register_buffer("shift", torch.tensor(np.stack(shift)).float()[:, None])

    def forward(self, outputs: Tensor) -> Tensor:
        apart = torch.stack(outputs.tensor_split(len(self.weights), dim=-1))  # (m, B, k)
        logs = _logs(self.task, apart * self.factor + self.shift)
        return _mixed(self.task, logs, self.weights, self.scale)


def _units(task: Task, own: Task) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return factor and shift (k,) from outputs in the terms of a model's own task to a task's."""
    if isinstance(task, Regression) and isinstance(own, Regression):
        return own.scale_ / task.scale_, (own.mean_ - task.mean_) / task.scale_
    return np.ones(1), np.zeros(1)
