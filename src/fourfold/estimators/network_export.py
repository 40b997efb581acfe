"""A trained network as a chain of stages for ONNX: preparation, frozen prefix, network, answer."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.tasks import Classification, Clustering, Regression, Task
from fourfold.data.rows import as_rows
from fourfold.estimators.exportable import Exportable
from fourfold.estimators.network_files import OnnxModule
from fourfold.frozen.blocks import in_blocks
from fourfold.preparation.blockwise import BlockPreparation
from fourfold.preparation.choose import Preparation, Standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.estimators.network import NetworkEstimator

__all__ = ["exportable"]

ROWS: Final = 65
"""So many random rows prove an export: blocks that are full, and one that is not."""


def exportable(estimator: NetworkEstimator) -> Exportable:
    """Take a fitted estimator apart.

    It starts from rows as they are in training; from prepared ones where those are a table, since
    ONNX takes numbers only.
    """
    prepare, model = estimator.prepare_, estimator.model_
    raw = isinstance(prepare, BlockPreparation)
    example = _example(prepare)
    rows = as_rows(example.numpy())
    outputs = estimator.outputs(rows) if raw else in_blocks(model, estimator.above(rows))
    output, answer, wanted = _answer(estimator.task_, outputs)
    stages: list[nn.Module] = [*model.body.children(), model.head, answer]
    if estimator.frozen_ is not None:
        below = [prepare.module()] if isinstance(prepare, Standardize) else []
        stages = [*below, copy.deepcopy(estimator.frozen_.module).cpu(), *stages]
    kind = str(example.dtype).removeprefix("torch.")
    start = "rows as in training" if raw else f"prepared rows ({prepare.describe()})"
    return Exportable(
        stages=[stage.content if isinstance(stage, OnnxModule) else stage for stage in stages],
        example=example,
        wanted=wanted,
        output=output,
        notes={
            "method": type(estimator).__name__,
            "input": f"{start}: {kind} {('n', *example.shape[1:])}".replace("'", ""),
            **_about(estimator.task_),
        },
    )


def _about(task: Task) -> dict[str, str]:
    about = {"task": type(task).__name__}
    if isinstance(task, Classification):
        about["classes"] = json.dumps(task.classes_.tolist())
    return about


def _example(prepare: Preparation) -> Tensor:
    """Draw rows that lie where those of the training lie."""
    rng = np.random.default_rng(0)
    if not isinstance(prepare, Standardize):
        return torch.from_numpy(rng.standard_normal((ROWS, *prepare.shape_), np.float32))
    channels = (-1, 1, 1) if prepare.layout_ == "first" else (-1,)
    mean, scale = prepare.mean_.reshape(channels), prepare.scale_.reshape(channels)
    rows = rng.standard_normal((ROWS, *prepare.row_shape_)) * scale + mean
    return torch.from_numpy(rows.astype(np.float32))


def _answer(task: Task, outputs: NDArray[np.float32]) -> tuple[str, nn.Module, NDArray[Any]]:
    """Return what the last output is called, what computes it, and what that must give."""
    if isinstance(task, Classification):
        return "probabilities", nn.Softmax(dim=1), task.probabilities(outputs)
    if isinstance(task, Regression):
        return "values", _Values(task), task.decode(outputs)
    if isinstance(task, Clustering):
        return "scores", nn.Identity(), outputs
    return "logits", nn.Identity(), outputs


@final
class _Values(nn.Module):
    """Outputs (B, m) in the units of the labels, as the task decodes them."""

    mean: Tensor
    scale: Tensor

    def __init__(self, task: Regression) -> None:
        super().__init__()
        self.flat = task.flat_
        self.register_buffer("mean", torch.as_tensor(task.mean_))
        self.register_buffer("scale", torch.as_tensor(task.scale_))

    def forward(self, outputs: Tensor) -> Tensor:
        values = outputs.double() * self.scale + self.mean
        return values[:, 0] if self.flat else values
