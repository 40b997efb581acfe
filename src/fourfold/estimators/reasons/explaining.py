"""Contributions of columns to the scores of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.algorithms.additive.reading import Parts, read_additive
from fourfold.algorithms.attribution.gradients import integrated_gradients
from fourfold.algorithms.attribution.sampling import sampled_values
from fourfold.algorithms.attribution.trees import expected, shapley_values
from fourfold.errors import ParameterError
from fourfold.estimators.bases.heads import OnnxHead
from fourfold.estimators.model import Model
from fourfold.estimators.reasons.contributions import Contributions
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.onnx_module import OnnxModule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.problem import Fitted

__all__ = ["explain_rows"]

CLOSE: Final = 0.1
"""Share of a row's score by which contributions of a network may fail to add up."""
MOST_COLUMNS: Final = 500
"""Columns whose orders are sampled."""


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
    sealed = not isinstance(model, Model) or _is_sealed(model)
    if columns is None or usual is None or sealed or not isinstance(model, Model):
        raise ParameterError(
            "explain must be asked of a model of a table, of vectors or of words, and not of a "
            f"network of the user's own; got {owner}"
        )
    *above, head = _layers(model)
    if not isinstance(head, OnnxHead):
        found = _slopes(model, task, rows, usual, columns)
    elif all(map(_keeps_features, above)) and (parts := read_additive(head.content)) is not None:
        found = _trees(nn.Sequential(model.body, *above), parts, rows, usual)
    else:
        found = _orders(model, task, rows, usual, columns)
    contributions = Contributions.by_column(columns, *found)
    if task.has_classes and contributions.base.size > 1:
        contributions = contributions.centred()
    if fitted.calibration is not None:
        contributions = contributions.calibrated(fitted.calibration)
    return contributions.in_units(task)


def _trees(
    below: nn.Module, parts: Parts, rows: Rows, usual: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contributions (n, d, columns) and base (columns,) of trees and a line beside them."""
    weight, bias = parts.line
    x = in_blocks(below, rows)
    with torch.no_grad():
        start = below(torch.from_numpy(usual)[None]).numpy()[0, parts.start :]
    values = shapley_values(parts.ensemble, x, len(bias))
    values[:, parts.start :] += (x[:, parts.start :] - start)[..., None] * weight
    return values, expected(parts.ensemble, len(bias)) + start @ weight + bias


def _orders(
    model: Model, task: Task, rows: Rows, usual: NDArray[np.float32], columns: Sequence[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contributions (n, d, scores) and base (scores,) of a model without gradients.

    Those of a column stand at its first feature.
    """
    names = list(dict.fromkeys(columns))
    if len(names) > MOST_COLUMNS:
        raise ParameterError(
            f"explain must be asked of at most {MOST_COLUMNS:,} columns where a model has no "
            f"gradients to follow, as trees behind mixed features; got {len(names):,} columns"
        )
    places = {name: i for i, name in enumerate(names)}
    groups = np.array([places[name] for name in columns])
    x = np.asarray(rows.take(np.arange(rows.n)), np.float32)

    def score(at: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.no_grad():
            return np.asarray(_scores(task, model(torch.from_numpy(at))).double().numpy())

    found = sampled_values(score, x, usual, groups)
    values = np.zeros((*x.shape, found.shape[2]))
    values[:, np.unique(groups, return_index=True)[1]] = found
    return values, score(usual[None])[0]


def _slopes(
    model: Model, task: Task, rows: Rows, usual: NDArray[np.float32], columns: Sequence[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contributions (n, d, scores) and base (scores,) of a network.

    Rows on whose way gradients jump have those of a model without gradients.
    """
    x = np.asarray(rows.take(np.arange(rows.n)), np.float32)

    def score(at: Tensor) -> Tensor:
        return _scores(task, model(at))

    values = integrated_gradients(score, x, usual)
    with torch.no_grad():
        base = score(torch.from_numpy(usual)[None]).double().numpy()
        wanted = score(torch.from_numpy(x)).double().numpy()
    gap, most = (np.abs(of).max(1) for of in (base + values.sum(1) - wanted, wanted - base))
    jumps = np.flatnonzero(gap > CLOSE * np.maximum(1.0, most))
    if len(jumps):
        values[jumps], _ = _orders(model, task, rows.subset(jumps), usual, columns)
    return values, base[0]


def _scores(task: Task, outputs: Tensor) -> Tensor:
    """Return the scores of outputs (B, k): of two classes the log-odds of the second, (B, 1)."""
    if not task.has_classes:
        return outputs
    return outputs[:, 1:] - outputs[:, :1] if outputs.shape[1] == 2 else outputs


def _layers(model: Model) -> list[nn.Module]:
    """Return the layers of a head."""
    return [*model.head] if isinstance(model.head, nn.Sequential) else [model.head]


def _keeps_features(layer: nn.Module) -> bool:
    """Return whether a layer moves and scales each feature by itself."""
    if not isinstance(layer, nn.Linear) or layer.in_features != layer.out_features:
        return False
    weight = layer.weight.detach()
    return bool((weight == weight.diag().diag()).all())


def _is_sealed(model: Model) -> bool:
    """Return whether a part of a model gives no gradients; a head of trees needs none."""
    parts = model.body if isinstance(_layers(model)[-1], OnnxHead) else model
    return any(isinstance(part, OnnxModule) for part in parts.modules())
