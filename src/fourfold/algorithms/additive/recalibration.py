"""Recalibration: slopes near 1, and shifts, that fit scores to labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize

from fourfold.algorithms.additive.lines import fit_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.additive.goal import Goal
    from fourfold.algorithms.samples import Sample

    Floats = NDArray[np.float64]

__all__ = ["PENALTY", "recalibrate"]

PENALTY: Final = 10.0
"""The usual penalty on a slope, in rows."""
STEADY: Final = 1e-2
"""Penalty on shifts of classes, so that one without labels stays where it is."""


def recalibrate(scores: Floats, rows: Sample, goal: Goal, penalty: float) -> tuple[Floats, Floats]:
    """Return slopes and shifts, (columns,) both, with the least loss of slope·score + shift.

    The slope has a penalty on its distance from 1, in rows whose scores have unit spread, and is at
    least 0, so that no order turns. More than two classes share one.
    """
    if goal.apart:
        found = [_column(scores[:, [at]], rows, goal, at, penalty) for at in range(goal.columns)]
        slopes, shifts = zip(*found, strict=True)
        return np.array(slopes), np.array(shifts)
    least = [(-1.0, None), *[(None, None)] * goal.columns]

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = scores * (1 + theta[0]) + theta[1:]
        losses, each = goal.losses_and_slopes(z, rows.y)
        error = rows.weight[:, None] * each
        value = rows.weight @ losses
        value += penalty / 2 * theta[0] ** 2 + STEADY / 2 * theta[1:] @ theta[1:]
        slopes = [(error * scores).sum() + penalty * theta[0], *(error.sum(0) + STEADY * theta[1:])]
        return float(value), np.array(slopes, np.float64)

    theta = minimize(loss, np.zeros(goal.columns + 1), jac=True, method="L-BFGS-B", bounds=least).x
    return np.full(goal.columns, 1 + theta[0]), theta[1:]


def _column(
    score: Floats, rows: Sample, goal: Goal, at: int, penalty: float
) -> tuple[float, float]:
    """Return the slope and the shift of one column."""
    one = goal._replace(kind="numbers" if goal.kind == "numbers" else "answers", outputs=1)
    part = rows._replace(x=score.astype(np.float32), y=goal.column(rows.y, at)[:, None])
    line = fit_line(part, one, penalty, offset=score)
    if line.weight[0, 0] < -1:  # without the score
        level = fit_line(part._replace(x=0 * part.x), one, penalty)
        return 0.0, float(level.bias[0])
    return 1 + float(line.weight[0, 0]), float(line.bias[0])
