"""Heads that are kernel machines, fitted so that their values are log-odds."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.algorithms.calibration import temperature
from fourfold.algorithms.kernel_machine import fit_machine
from fourfold.core.parameters import Positive  # noqa: TC001  read from the annotations
from fourfold.estimators.model import Model
from fourfold.estimators.network import SolvesHead
from fourfold.estimators.problem import Fitted
from fourfold.networks.mlp import Flat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.kernel_machine import KernelMachine
    from fourfold.algorithms.samples import Sample
    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem

    Floats = NDArray[np.float64]

__all__ = ["FitsKernel", "KernelHead"]

SHARPNESS: Final = 2.0
"""Factor that makes values log-odds where no held-out rows tell it."""


@final
class KernelHead(nn.Module):
    """Outputs Σᵢ cᵢₖ exp(−γₖ‖f − fᵢ‖²) + bₖ of features (B, d), with one γ for all or k."""

    rows: Tensor
    coefficients: Tensor
    bias: Tensor
    gamma: Tensor

    def __init__(self, outputs: int, width: int) -> None:
        super().__init__()
        nothing = np.zeros((0, width), np.float32)
        self.put(nothing, np.zeros((0, outputs)), np.zeros(outputs), np.ones(1))

    def put(self, x: NDArray[Any], coefficients: Floats, bias: Floats, gamma: Floats) -> None:
        """Set rows (n, d), coefficients (n, k), biases (k,) and gamma (1,) or (k,)."""
        parts = {"rows": x, "coefficients": coefficients, "bias": bias, "gamma": gamma}
        for name, part in parts.items():
            self.register_buffer(name, torch.as_tensor(part).float())

    def fit(
        self,
        task: Task,
        sample: Sample,
        *,
        alpha: float | Sequence[float] | None = None,
        gamma: float | None = None,
    ) -> None:
        """Fit a least-squares support vector machine to labelled rows.

        One function for each class is 1 on its rows and −1 on others, or there is one for each
        number. Values of held-out rows choose the factor that makes them log-odds.

        Parameters
        ----------
        alpha
            L2 penalty, where the kernel of a row with itself is 1; of several, or of the usual ones
            by None, one is chosen by cross-validation.
        gamma
            Factor of squared distances in the kernel; None: by cross-validation.
        """
        how = {"alpha": alpha, "gamma": gamma}
        if sample.y.ndim == 1:
            self.put(sample.x, *_classes(sample, task.n_outputs, how))
            return
        answers = task.linear_loss == "logistic"
        columns = [_column(sample, column, how, answers=answers) for column in sample.y.T]
        weights, biases, gammas = (np.stack(part, axis=-1) for part in zip(*columns, strict=True))
        self.put(sample.x, weights, biases, gammas)

    def forward(self, features: Tensor) -> Tensor:
        squares = features.square().sum(1, keepdim=True) + self.rows.square().sum(1)
        apart = (squares - 2 * features @ self.rows.T).clamp(min=0)  # (B, n)
        if len(self.gamma) == 1:
            return torch.exp(-self.gamma * apart) @ self.coefficients + self.bias
        kernel = torch.exp(-self.gamma * apart[:, :, None])  # (B, n, k)
        return (kernel * self.coefficients).sum(1) + self.bias

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *more: Any) -> None:
        for name in ("rows", "coefficients", "bias", "gamma"):  # as many rows as were saved
            if prefix + name in state:
                self.register_buffer(name, torch.empty_like(state[prefix + name]))
        super()._load_from_state_dict(state, prefix, *more)


class FitsKernel(SolvesHead, ABC):
    """A method that fits a least-squares support vector machine with a Gaussian kernel.

    Parameters
    ----------
    alpha
        L2 penalty, where the kernel of a row with itself is 1; None chooses by cross-validation.
    gamma
        Factor of squared distances in the kernel; None chooses by cross-validation.
    """

    alpha: Positive | None = None
    gamma: Positive | None = None

    @final
    def build_head(self, task: Task, width: int) -> KernelHead:
        return KernelHead(task.n_outputs, width)

    @final
    def _fitted(self, problem: Problem, task: Task, known: Data, most: int | None = None) -> Fitted:
        """Fit the machine to labelled rows, or to so many of them."""
        body = problem.body(Flat())
        head = self.build_head(task, body.width)
        model = Model(body, head)
        rows = known.sample(model.embed(known.rows)).drawn(most)
        head.fit(task, rows, alpha=self.alpha, gamma=self.gamma)
        return Fitted(model)


def _classes(sample: Sample, k: int, how: Mapping[str, Any]) -> tuple[Floats, Floats, Floats]:
    """Return coefficients (n, k), biases (k,) and the gamma (1,) of functions of classes."""
    wanted = 2.0 * (sample.y[:, None] == np.arange(k)) - 1
    found: KernelMachine = fit_machine(sample, wanted, stratified=True, **how)
    factor = _sharpness(found.held, sample.at(found.rows))
    bias = np.where((wanted > 0).any(axis=0), factor * found.bias, -np.inf)
    return factor * found.coefficients, bias, np.array([found.gamma])


def _column(
    sample: Sample, y: Floats, how: Mapping[str, Any], *, answers: bool
) -> tuple[Floats, np.float64, np.float64]:
    """Return coefficients (n,), bias and gamma of one answer or number, NaN where missing."""
    on = ~np.isnan(y)
    coefficients = np.zeros(len(y))
    if not on.any():
        return coefficients, np.float64(0), np.float64(1)
    rows = sample.at(on)._replace(y=y[on])
    wanted = (2.0 * rows.y - 1 if answers else rows.y.astype(np.float64))[:, None]
    found: KernelMachine = fit_machine(rows, wanted, stratified=answers, **how)
    both = np.hstack([-found.held, found.held]) / 2
    factor = _sharpness(both, rows.at(found.rows)) if answers else 1.0
    coefficients[on] = factor * found.coefficients[:, 0]
    return coefficients, np.float64(factor * found.bias[0]), np.float64(found.gamma)


def _sharpness(values: Floats, held: Sample) -> float:
    """Return the factor of values (m, k) with the least log loss, near the usual one for few."""
    if not len(values):
        return SHARPNESS
    codes, weight = held.y.astype(int), held.weight.astype(float)
    return SHARPNESS * temperature(SHARPNESS * values, codes, weight)
