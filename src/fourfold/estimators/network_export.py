"""A network as a chain of stages for ONNX: preparation, frozen network, network, answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor

from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.estimators.model_files import OnnxModule
from fourfold.preparation.blockwise import BlockPreparation
from fourfold.preparation.choose import Standardize
from fourfold.preparation.layout import channel_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.model import Model
    from fourfold.preparation.choose import Preparation

__all__ = ["Exportable", "exportable"]

ROWS: Final = 65
"""Random rows that prove an export: full blocks, and one that is not."""


@final
@dataclass(frozen=True)
class Exportable:
    """A fitted model as a chain from one input to one output, with an example of both.

    A stage is a module, or the bytes of an ONNX file with one input and one output, where a
    module's code is not there any more. The example is of random rows (n, ...), and the estimator's
    own answers to these are wanted. Notes, by name, are for whoever runs the file.
    """

    stages: Sequence[nn.Module | bytes]
    example: Tensor
    wanted: NDArray[Any]
    output: str
    notes: Mapping[str, str]


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
        stages = [*below, inputs.frozen.module, *stages]
    kind = str(example.dtype).removeprefix("torch.")
    classes = task.classes_.tolist() if isinstance(task, Classification) else None
    start = "rows as in training" if raw else f"prepared rows ({prepare.describe()})"
    return Exportable(
        stages=[stage.content if isinstance(stage, OnnxModule) else stage for stage in stages],
        example=example,
        wanted=task.answers(outputs),
        output=task.answer_name,
        notes={
            "method": method,
            "input": f"{start}: {kind} {('n', *example.shape[1:])}".replace("'", ""),
            "task": type(task).__name__,
            **({} if classes is None else {"classes": json.dumps(classes)}),
        },
    )


def _example(prepare: Preparation) -> Tensor:
    """Draw rows that lie where those of the training lie."""
    rng = np.random.default_rng(0)
    if not isinstance(prepare, Standardize):
        return torch.from_numpy(rng.standard_normal((ROWS, *prepare.shape_), np.float32))
    channels = channel_axes(prepare.row_shape_, prepare.layout_, raw=True)
    mean, scale = prepare.mean_.reshape(channels), prepare.scale_.reshape(channels)
    rows = rng.standard_normal((ROWS, *prepare.row_shape_)) * scale + mean
    return torch.from_numpy(rows.astype(np.float32))
