"""A network as a chain of stages for ONNX: preparation, frozen network, network, answer."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.estimators.exportable import Exportable
from fourfold.estimators.model_files import OnnxModule
from fourfold.preparation.blockwise import BlockPreparation
from fourfold.preparation.choose import Standardize

if TYPE_CHECKING:
    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.model import Model
    from fourfold.preparation.choose import Preparation

__all__ = ["exportable"]

ROWS: Final = 65
"""Random rows that prove an export: full blocks, and one that is not."""


def exportable(method: str, task: Task, inputs: Inputs, model: Model) -> Exportable:
    """Take a fitted network apart.

    The chain starts from rows as in training; from prepared ones where those are a table, since
    ONNX takes numbers only.
    """
    prepare = inputs.prepare
    raw = isinstance(prepare, BlockPreparation)
    example = _example(prepare)
    rows = as_rows(example.numpy())
    outputs = model.outputs(inputs.ready(rows) if raw else inputs.above(rows))
    stages: list[nn.Module] = [*model.body.children(), model.head, task.answer_module()]
    if inputs.frozen is not None:
        below = [prepare.module()] if isinstance(prepare, Standardize) else []
        stages = [*below, copy.deepcopy(inputs.frozen.module).cpu(), *stages]
    kind = str(example.dtype).removeprefix("torch.")
    start = "rows as in training" if raw else f"prepared rows ({prepare.describe()})"
    return Exportable(
        stages=[stage.content if isinstance(stage, OnnxModule) else stage for stage in stages],
        example=example,
        wanted=task.answers(outputs),
        output=task.answer_name,
        notes={
            "method": method,
            "input": f"{start}: {kind} {('n', *example.shape[1:])}".replace("'", ""),
            **_about(task),
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
