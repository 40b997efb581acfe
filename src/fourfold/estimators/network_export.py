"""Networks as chains of stages for ONNX: preparation, frozen network, network, answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.tasks import Classification
from fourfold.data.rows import as_rows
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.frozen.onnx_module import OnnxModule
from fourfold.preparation.choose import Standardize
from fourfold.preparation.layout import channel_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.problem import Fitted
    from fourfold.preparation.choose import Preparation

__all__ = ["Branches", "Chain", "Columns", "Exportable", "chain", "exportable"]

ROWS: Final = 65
"""Random rows that prove an export: full blocks, and one that is not."""


@final
class Chain(NamedTuple):
    """Stages from rows to outputs (n, k), with an example: rows (n, ...) and their outputs.

    Rows are as in training where they are ``raw``, and prepared ones, named in ``start``, where
    these are a table, since ONNX takes numbers only.
    """

    stages: list[nn.Module | bytes]
    example: Tensor
    outputs: NDArray[np.float32]
    raw: bool
    start: str


@final
class Branches(NamedTuple):
    """Chains of stages that take the same input; their outputs (n, k) stand side by side."""

    chains: Sequence[Sequence[nn.Module | bytes]]


@final
@dataclass(frozen=True)
class Exportable:
    """A fitted model as a chain from one input to one output, with an example of both.

    A stage is a module, or the bytes of an ONNX file with one input and one output, where a
    module's code is not there any more; the first may be of branches. The example is of random rows
    (n, ...), and the estimator's own answers to these are wanted. Notes, by name, are for whoever
    runs the file.
    """

    stages: Sequence[nn.Module | bytes | Branches]
    example: Tensor
    wanted: NDArray[Any]
    output: str
    notes: Mapping[str, str]

    @classmethod
    def of(
        cls,
        method: str,
        task: Task,
        stages: Sequence[nn.Module | bytes | Branches],
        example: Tensor,
        outputs: NDArray[np.float32],
        start: str,
    ) -> Exportable:
        """Put the task's answers above stages that compute these outputs for the example."""
        kind = str(example.dtype).removeprefix("torch.")
        classes = task.classes_.tolist() if isinstance(task, Classification) else None
        return cls(
            stages=[*stages, task.answer_module()],
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


def exportable(method: str, task: Task, inputs: Inputs, fitted: Fitted) -> Exportable:
    """Take a fitted network apart, and put the task's answers above it."""
    found = chain(inputs, fitted)
    return Exportable.of(method, task, found.stages, found.example, found.outputs, found.start)


def chain(inputs: Inputs, fitted: Fitted) -> Chain:
    """Take a fitted network apart.

    Raises
    ------
    ParameterError
        If the model is no network.
    """
    model, prepare = fitted.model, inputs.prepare
    if not isinstance(model, Model):
        raise ParameterError(f"the model to export must be a network; got {type(model).__name__}")
    raw = inputs.raw
    example = _example(prepare)
    rows = as_rows(example.numpy())
    outputs = model.outputs(inputs.ready(rows) if raw else inputs.above(rows))
    stages: list[nn.Module] = [*model.body.children(), model.head]
    if inputs.frozen is not None:
        below = [prepare.module()] if isinstance(prepare, Standardize) else []
        stages = [*below, inputs.frozen.module, *stages]
    if fitted.calibration is not None:
        outputs = fitted.calibration.apply(outputs)
        stages.append(fitted.calibration.module())
    return Chain(
        [stage.content if isinstance(stage, OnnxModule) else stage for stage in stages],
        example,
        outputs,
        raw=raw,
        start="rows as in training" if raw else f"prepared rows ({prepare.describe()})",
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


@final
class Columns(nn.Module):
    """Some columns, from a start to a stop, of vectors (B, d)."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop]
