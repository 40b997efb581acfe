"""Networks as chains of stages for ONNX: preparation, frozen network, network, answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.data.rows import ArrayRows, as_rows
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.frozen.onnx_module import OnnxModule
from fourfold.networks.pretrained.opened import for_export
from fourfold.preparation.blockwise import StagePreparation
from fourfold.preparation.choose import TablePreparation, TableViews

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Inputs
    from fourfold.estimators.problem import Fitted
    from fourfold.preparation.tables.graph import TableStart

__all__ = [
    "ROWS",
    "Branches",
    "Chain",
    "Columns",
    "Exportable",
    "chain",
    "exportable",
    "table_note",
]

ROWS: Final = 65
"""Random rows that prove an export: full blocks, and one that is not."""


@final
class Chain(NamedTuple):
    """Stages from rows to outputs (n, k), with an example: rows (n, ...) and their outputs.

    Rows are as in training, or prepared ones where these are a table or texts; ``start`` says so.
    """

    stages: list[nn.Module | bytes]
    example: Tensor
    outputs: NDArray[np.float32]
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
    module's code is not there any more; one may be of branches. The first has as many inputs as the
    example has parts: random rows (n, ...), or the columns (n, 1) of a table, by name. The
    estimator's own answers to these are wanted. Notes, by name, are for whoever runs the file;
    texts to be written beside it are known by the ends of their names.
    """

    stages: Sequence[nn.Module | bytes | Branches]
    example: Mapping[str, NDArray[Any]]
    wanted: NDArray[Any]
    output: str
    notes: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        method: str,
        task: Task,
        stages: Sequence[nn.Module | bytes | Branches],
        example: Mapping[str, NDArray[Any]],
        outputs: NDArray[np.float32],
        start: str,
    ) -> Exportable:
        """Put the task's answers above stages that compute these outputs for the example."""
        return cls(
            stages=[*stages, task.answer_module()],
            example=example,
            wanted=task.answers(outputs),
            output=task.answer_name,
            notes={"method": method, "input": start, "task": type(task).__name__, **task.notes()},
        )


def exportable(method: str, task: Task, inputs: Inputs, fitted: Fitted) -> Exportable:
    """Take a fitted network apart, and put the task's answers above it."""
    table = inputs.table
    if table is None:
        found = chain(inputs, fitted)
        example = {"input": found.example.numpy()}
        made = Exportable.of(method, task, found.stages, example, found.outputs, found.start)
        return replace(made, beside=inputs.prepare.beside_export())
    plain = table.draw(ROWS)
    found = chain(inputs, fitted, plain)
    stages, example = [table.file(), *found.stages], table.feed(plain)
    return Exportable.of(method, task, stages, example, found.outputs, table_note(table))


def table_note(table: TableStart) -> str:
    """Write the inputs of a table as JSON: name of the column → its kind."""
    return json.dumps(table.columns, ensure_ascii=False)


def chain(inputs: Inputs, fitted: Fitted, plain: pd.DataFrame | None = None) -> Chain:
    """Take a fitted network apart, above the preparation of a table or of texts.

    The example is of arranged rows of a table, if these are given, or else random.

    Raises
    ------
    ParameterError
        If the model is no network.
    """
    model, prepare = fitted.model, inputs.prepare
    if not isinstance(model, Model):
        raise ParameterError(f"the model to export must be a network; got {type(model).__name__}")
    if plain is not None and isinstance(prepare, (TablePreparation, TableViews)):
        rows = prepare.encode(plain)
    else:
        drawn = prepare.example(ROWS)
        rows = ArrayRows(drawn, padded=True) if drawn.dtype == np.int32 else as_rows(drawn)
    ready = inputs.raw and not inputs.spoken  # utterances are normalized where they are read
    outputs = model.outputs(inputs.ready(rows) if ready else inputs.above(rows))
    heads = model.head if isinstance(model.head, nn.Sequential) else [model.head]
    stages: list[nn.Module] = [*map(for_export, model.body.children()), *heads]
    if inputs.frozen is not None:
        below = [prepare.module()] if isinstance(prepare, StagePreparation) else []
        stages = [*below, for_export(inputs.frozen.module), *stages]
    outputs = fitted.finished(outputs)
    stages += fitted.last_stages()
    example = torch.from_numpy(np.asarray(rows.take(np.arange(rows.n))))
    said = "rows as in training" if inputs.raw else f"prepared rows ({prepare.describe()})"
    kind, shape = str(example.dtype).removeprefix("torch."), ", ".join(map(str, example.shape[1:]))
    return Chain(
        [stage.content if isinstance(stage, OnnxModule) else stage for stage in stages],
        example,
        outputs,
        f"{said}: {kind} (n, {shape})",
    )


@final
class Columns(nn.Module):
    """Some columns, from a start to a stop, of vectors (B, d)."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop]
