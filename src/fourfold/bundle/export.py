"""Export of a fitted model to one ONNX file, verified before it is written."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import onnx
import torch
from onnx import compose
from torch import nn

from fourfold.core.atomic import whole_file
from fourfold.core.version import VERSION
from fourfold.errors import BundleError, FileError, ParameterError
from fourfold.estimators.joint import JointEstimator
from fourfold.frozen.onnx import export_onnx, relative_difference, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.estimators.network_export import Exportable
    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["export"]

TOLERANCE: Final = 1e-3
"""Largest difference between the file and the model, relative to the largest output."""


def export(
    estimator: TransferEstimator | JointEstimator, path: Path | str, *, task: str | None = None
) -> float:
    """Export a fitted model to ONNX: preparation, frozen prefix, network and output in one file.

    The input, ``"input"``, takes any number of rows as in training; for tables, prepared rows. The
    output is ``"probabilities"`` (n, k) for classes, ``"values"`` (n,) or (n, m) in the units of
    the labels for numbers, and ``"logits"`` otherwise. The metadata of the file are ``"input"``,
    ``"task"``, ``"classes"`` (JSON), ``"method"`` and ``"fourfold"``, the version.

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
            return _difference(model, file)
    except OSError as error:
        raise FileError(f"{path} must be writable for an ONNX file; got: {error}") from error


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
    parts = _parts(model, scratch)
    last = len(parts) - 1
    prefixed = [  # inner names must differ; the input and the output keep theirs
        compose.add_prefix(part, f"{i}/", rename_inputs=i > 0, rename_outputs=i < last)
        for i, part in enumerate(parts)
    ]
    try:
        whole = reduce(_append, prefixed)
    except ValueError as error:
        raise BundleError(
            f"the stages of the model must fit one ONNX file; got: {error}: load the model with "
            "network=... and save it again"
        ) from error
    onnx.helper.set_model_props(whole, {**model.notes, "fourfold": VERSION})
    return whole


def _append(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    seam = (first.graph.output[0].name, second.graph.input[0].name)
    return compose.merge_models(first, second, io_map=[seam])


def _parts(model: Exportable, scratch: Path) -> list[onnx.ModelProto]:
    """Export each stage to ONNX; stages that are ONNX files stay unchanged."""
    parts: list[bytes] = []
    x = model.example
    chain = _joined(model.stages)
    for stage in chain:
        if isinstance(stage, nn.Module):
            name = model.output if stage is chain[-1] else "output"
            export_onnx(stage, x, scratch, names=[name])
        parts.append(scratch.read_bytes() if isinstance(stage, nn.Module) else stage)
        x = torch.from_numpy(_run(parts[-1], x))
    return [onnx.load_from_string(part) for part in parts]


def _joined(stages: Sequence[nn.Module | bytes]) -> list[nn.Module | bytes]:
    """Join consecutive modules."""
    chain: list[nn.Module | bytes] = []
    for stage in stages:
        if isinstance(stage, bytes):
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


def _run(model: bytes | Path, x: Tensor) -> NDArray[Any]:
    output: NDArray[Any]
    (output,) = session(model).run(None, {"input": x.numpy()})
    return output
