"""Export of a fitted model to one ONNX file, verified before it is written."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import onnx
import torch
from onnx import compose
from torch import nn

from fourfold.core.atomic import whole_file
from fourfold.core.version import VERSION
from fourfold.errors import BundleError, FileError, ParameterError
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.network_export import Branches
from fourfold.frozen.onnx import export_onnx, relative_difference, session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.estimators.network_export import Exportable
    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["export"]

Stage: TypeAlias = nn.Module | bytes | Branches
Feed: TypeAlias = "Mapping[str, NDArray[Any]]"

TOLERANCE: Final = 1e-3
"""Largest difference between the file and the model, relative to the largest output."""


def export(
    estimator: TransferEstimator | JointEstimator, path: Path | str, *, task: str | None = None
) -> float:
    """Export a fitted model to ONNX: preparation, frozen prefix, network and output in one file.

    The inputs take any number of rows, as ``estimator.onnx_input`` returns them: one for each
    column of a table, or else ``"input"``. The output is ``"probabilities"`` (n, k) for classes,
    ``"values"`` (n,) or (n, m) in the units of the labels for numbers, and ``"logits"`` otherwise.
    A network of texts takes tokens, int32 (n, steps), and its ``.tokenizer.json`` stands beside.
    The metadata of the file are ``"input"``, ``"task"``, ``"classes"`` (JSON), ``"method"`` and
    ``"fourfold"``, the version.

    Parameters
    ----------
    estimator
        Fitted estimator.
    path
        File to write. An existing file is replaced only after the new one has reproduced the
        model's outputs on random rows.
    task
        Task of a model of several tasks, each of which has a file of its own.

    Returns
    -------
    float
        Largest difference between file and model, relative to the largest output.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ParameterError
        If there is no such task.
    FileError
        If the file cannot be written.
    BundleError
        If the model cannot be exported, or the file computes something else.
    """
    path = Path(path)
    model = _of(estimator, task).exportable()
    if path.is_dir():
        raise FileError(f"{path} must be a file to write ONNX to; it is a folder")
    try:
        with whole_file(path) as file:
            onnx.save(_whole(model, file), file)
            difference = _difference(model, file)
        for ending, text in model.beside.items():
            with whole_file(path.with_suffix(ending)) as file:
                file.write_text(text, "utf-8")
    except OSError as error:
        raise FileError(f"{path} must be writable for an ONNX file; got: {error}") from error
    return difference


def _of(estimator: TransferEstimator | JointEstimator, task: str | None) -> TransferEstimator:
    """Return the estimator of one task."""
    if isinstance(estimator, JointEstimator):
        estimator.check_fitted()
        if task is None:
            raise ParameterError("task must be named to export a model of several tasks; got None")
        return estimator.of(task)
    if task is not None:
        raise ParameterError(f"task must be None for a model of a single task; got {task!r}")
    return estimator


def _whole(model: Exportable, scratch: Path) -> onnx.ModelProto:
    """Combine all stages into one ONNX model with metadata."""
    try:
        whole, _ = _chained(model.stages, model.example, scratch, model.output)
    except ValueError as error:
        raise BundleError(
            f"the stages of the model must fit one ONNX file; got: {error}: load the model with "
            "network=... and save it again"
        ) from error
    onnx.helper.set_model_props(whole, {**model.notes, "fourfold": VERSION})
    return whole


def _chained(
    stages: Sequence[Stage], given: Feed, scratch: Path, output: str
) -> tuple[onnx.ModelProto, Feed]:
    """Export stages to one ONNX model to an output; return its answers, too.

    Stages that are ONNX files stay unchanged.
    """
    parts = []
    chain = _joined(stages)
    for stage in chain:
        part = _part(stage, given, scratch, output if stage is chain[-1] else "output")
        given = {"input": _run(part.SerializeToString(), given)}
        parts.append(part)
    _level(parts)
    last = len(parts) - 1
    prefixed = [  # inner names must differ; the input and the output keep theirs
        compose.add_prefix(part, f"{i}/", rename_inputs=i > 0, rename_outputs=i < last)
        for i, part in enumerate(parts)
    ]
    return reduce(_append, prefixed), given


def _part(stage: Stage, given: Feed, scratch: Path, output: str) -> onnx.ModelProto:
    if isinstance(stage, Branches):
        return _side_by_side([_chained(c, given, scratch, "output")[0] for c in stage.chains])
    if isinstance(stage, bytes):
        return onnx.load_from_string(stage)
    export_onnx(stage, torch.from_numpy(given["input"]), scratch, names=[output])
    return onnx.load(scratch)


def _append(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    seam = (first.graph.output[0].name, second.graph.input[0].name)
    return compose.merge_models(first, second, io_map=[seam])


def _level(models: Sequence[onnx.ModelProto]) -> None:
    """Declare the newest of the models' versions in all; the whole is run before it is kept."""
    versions: dict[str, int] = {}
    for asked in (one for model in models for one in model.opset_import):
        versions[asked.domain] = max(asked.version, versions.get(asked.domain, 0))
    for model in models:
        model.ir_version = max(one.ir_version for one in models)
        del model.opset_import[:]
        model.opset_import.extend(onnx.helper.make_opsetid(*each) for each in versions.items())


def _side_by_side(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """Give models one common input, and concatenate their outputs."""
    _level(models)
    prefixed = [compose.add_prefix(one, f"branch {i}/") for i, one in enumerate(models)]
    whole = reduce(lambda one, other: compose.merge_models(one, other, io_map=[]), prefixed)
    graph = whole.graph
    names = [given.name for given in graph.input]
    answers = [given.name for given in graph.output]
    given, answer = graph.input[0], graph.output[0]
    nodes = [onnx.helper.make_node("Identity", ["input"], [name]) for name in names]
    nodes += [*graph.node, onnx.helper.make_node("Concat", answers, ["output"], axis=-1)]
    given.name, answer.name = "input", "output"
    for size in list(answer.type.tensor_type.shape.dim)[-1:]:
        size.Clear()  # that of all together
    for field, kept in ((graph.input, [given]), (graph.output, [answer]), (graph.node, nodes)):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del field[:]
        field.extend(copies)
    return whole


def _joined(stages: Sequence[Stage]) -> list[Stage]:
    """Join consecutive modules."""
    chain: list[Stage] = []
    for stage in stages:
        if not isinstance(stage, nn.Module):
            chain.append(stage)
        elif chain and isinstance(chain[-1], nn.Sequential):
            chain[-1].append(stage)
        else:
            chain.append(nn.Sequential(stage))
    return chain


def _difference(model: Exportable, file: Path) -> float:
    difference = relative_difference(_run(file, model.example), model.wanted)
    if not difference <= TOLERANCE:
        raise BundleError(
            f"the exported file must reproduce the model's outputs up to {TOLERANCE:g} of their "
            f"scale; got a difference of {difference:g}"
        )
    return difference


def _run(model: bytes | Path, given: Feed) -> NDArray[Any]:
    output: NDArray[Any]
    (output,) = session(model).run(None, dict(given))
    return output
