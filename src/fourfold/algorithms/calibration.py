"""Calibration of outputs of classes: honest probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
import torch
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Calibration", "calibrate", "temperature"]

MOST_TIMES: Final = 10.0
"""Largest change of the slope."""
FAR: Final = 30.0
"""Log-odds beyond which a row is as sure as can be."""
OVERCONFIDENCE: Final = 0.5
"""Expected logarithm of 1/slope, times the root of the number of labels of the rarer class."""
STEADY: Final = (1 / 6, 0.5)
"""Expected spreads of the slope's logarithm, and of the shift of log-odds at the usual ones."""


@final
class Calibration(NamedTuple):
    """Outputs times a slope, and for two classes an intercept on the second."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return calibrated outputs, (n, k)."""
        found = np.float32(self.slope) * outputs
        if self.intercept:
            found[:, 1] += np.float32(self.intercept)
        return found

    def module(self) -> nn.Module:
        """Return a module that computes :meth:`apply` in torch."""
        return _Calibrated(self)


def calibrate(
    outputs: NDArray[np.float32], codes: NDArray[np.int64], weight: Floats, *, repeats: float = 1.0
) -> Calibration:
    """Fit a calibration to held-out rows: Platt scaling for two classes, or else a temperature.

    A temperature is shrunk to 1. Of two classes log-odds are turned about the usual ones, those of
    the shares of the classes, so that the slope leaves their level as it is. The fewer labels, the
    surer of itself a model is that was chosen by them: the logarithm of the slope is expected to be
    −½/√m for m labels of the rarer class, with a standard deviation of ⅙, and the shift to be 0,
    with one of ½ (maximum a posteriori).

    Parameters
    ----------
    outputs
        (n, k) of a model that did not learn from these rows.
    codes, weight
        (n,) classes and weights of the rows.
    repeats
        How often each row is there, answered by several models.

    References
    ----------
    Platt, Probabilistic Outputs for Support Vector Machines, 1999; Guo, Pleiss, Sun & Weinberger,
    On Calibration of Modern Neural Networks, ICML 2017.
    """
    values, weight = outputs.astype(np.float64), weight / weight.mean()
    if outputs.shape[1] != 2:
        return Calibration(temperature(values, codes, weight, repeats=repeats))
    odds = np.clip(np.nan_to_num(values[:, 1] - values[:, 0], posinf=FAR, neginf=-FAR), -FAR, FAR)
    sign, second = np.where(codes == 1, 1.0, -1.0), weight[codes == 1].sum() / repeats
    total = len(codes) / repeats
    usual = float(logit((second + 0.5) / (total + 1)))
    rare = max(min(second, total - second), 1.0)
    expected = np.array([-OVERCONFIDENCE / math.sqrt(rare), 0.0])
    penalty, away = repeats / np.square(STEADY), odds - usual

    def loss(change: Floats) -> tuple[float, Floats]:
        slope, far = math.exp(change[0]), change - expected
        margin = sign * (slope * away + usual + change[1])
        pull = -weight * sign * expit(-margin)
        value = weight @ np.logaddexp(0, -margin) + penalty @ far**2 / 2
        return value, np.array([pull @ away * slope, pull.sum()]) + penalty * far

    bounds = [(-math.log(MOST_TIMES), math.log(MOST_TIMES)), (-FAR, FAR)]
    found = minimize(loss, expected, jac=True, method="L-BFGS-B", bounds=bounds)
    slope = math.exp(found.x[0])
    return Calibration(slope, float(usual * (1 - slope) + found.x[1]))


def temperature(
    values: Floats, codes: NDArray[np.int64], weight: Floats, *, repeats: float = 1.0
) -> float:
    """Return the factor of values (n, k) with the least log loss, near 1 for few rows."""
    span, rows = math.log(MOST_TIMES), np.arange(len(codes))

    def loss(change: float) -> float:
        own = log_softmax(math.exp(change) * values, axis=1)[rows, codes]
        own = np.maximum(own, -FAR)
        return repeats * change**2 / len(codes) - float(np.average(own, weights=weight))

    return math.exp(minimize_scalar(loss, bounds=(-span, span), method="bounded").x)


@final
class _Calibrated(nn.Module):
    """Outputs (B, k), calibrated."""

    shift: Tensor

    def __init__(self, calibration: Calibration) -> None:
        super().__init__()
        self.slope = calibration.slope
        shift = [0.0, calibration.intercept] if calibration.intercept else [0.0]
        self.register_buffer("shift", torch.tensor(shift))

    def forward(self, outputs: Tensor) -> Tensor:
        return self.slope * outputs + self.shift
