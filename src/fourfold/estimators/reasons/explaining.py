"""Contributions of columns to the scores of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from fourfold.algorithms.additive.reading import read_additive
from fourfold.algorithms.attribution.gradients import integrated_gradients
from fourfold.algorithms.attribution.trees import expected, shapley_values
from fourfold.errors import ParameterError
from fourfold.estimators.bases.heads import OnnxHead
from fourfold.estimators.model import Model
from fourfold.estimators.reasons.contributions import Contributions
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.onnx_module import OnnxModule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.problem import Fitted

__all__ = ["explain_rows"]

CLOSE: Final = 0.1
"""Share of the largest score by which contributions of a network may fail to add up."""


def explain_rows(
    owner: str, task: Task, inputs: Inputs, fitted: Fitted, rows: Rows
) -> Contributions:
    """Return the contributions of the user's columns to the scores of ready rows.

    Raises
    ------
    ParameterError
        If the rows have no columns, or the model cannot be looked into.
    """
    if fitted.rejection is not None:
        raise ParameterError(
            "explain must be asked of a model that has a score for each answer; got one of "
            f"{owner} that tells unknown rows by their uncertainty"
        )
    model, columns, usual = fitted.model, inputs.prepare.feature_columns, inputs.typical
    if columns is None or usual is None or not isinstance(model, Model) or _is_sealed(model):
        raise ParameterError(
            "explain must be asked of a model of a table, of vectors or of words, and not of a "
            f"network of the user's own; got {owner}"
        )
    if isinstance(model.head, OnnxHead):
        found = _trees(model, model.head, rows, usual)
    else:
        found = _slopes(model, task, rows, usual)
    contributions = Contributions.by_column(columns, *found)
    if task.has_classes and contributions.base.size > 1:
        contributions = contributions.centred()
    if fitted.calibration is not None:
        contributions = contributions.calibrated(fitted.calibration)
    return contributions.in_units(task)


def _trees(
    model: Model, head: OnnxHead, rows: Rows, usual: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contributions (n, d, columns) and base (columns,) of trees and a line beside them."""
    parts = read_additive(head.content)
    weight, bias = parts.line
    x = in_blocks(model.body, rows)
    with torch.no_grad():
        start = model.body(torch.from_numpy(usual)[None]).numpy()[0, parts.start :]
    values = shapley_values(parts.ensemble, x, len(bias))
    values[:, parts.start :] += (x[:, parts.start :] - start)[..., None] * weight
    return values, expected(parts.ensemble, len(bias)) + start @ weight + bias


def _slopes(
    model: Model, task: Task, rows: Rows, usual: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contributions (n, d, scores) and base (scores,) of a network."""
    x = np.asarray(rows.take(np.arange(rows.n)), np.float32)

    def score(at: Tensor) -> Tensor:
        return _scores(task, model(at))

    values = integrated_gradients(score, x, usual)
    with torch.no_grad():
        base = score(torch.from_numpy(usual)[None]).double().numpy()
        wanted = score(torch.from_numpy(x)).double().numpy()
    gap, most = np.abs(base + values.sum(axis=1) - wanted).max(), np.abs(wanted - base).max()
    if gap > CLOSE * max(1.0, most):
        raise ParameterError(
            "explain must be asked of a model whose contributions add up to its scores; got a "
            f"network that is {gap:.3g} off, as it has no gradients on the way"
        )
    return values, base[0]


def _scores(task: Task, outputs: Tensor) -> Tensor:
    """Return the scores of outputs (B, k): of two classes the log-odds of the second, (B, 1)."""
    if not task.has_classes:
        return outputs
    return outputs[:, 1:] - outputs[:, :1] if outputs.shape[1] == 2 else outputs


def _is_sealed(model: Model) -> bool:
    """Return whether a part of a model gives no gradients; a head of trees needs none."""
    parts = model.body if isinstance(model.head, OnnxHead) else model
    return any(isinstance(part, OnnxModule) for part in parts.modules())
