"""ONNX: export of a module to one file, its reading, its session, and the difference of outputs."""

from __future__ import annotations

import copy
import io
import logging
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, Final
from warnings import catch_warnings

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError, Message
from torch import Tensor, nn

from fourfold.errors import BundleError
from fourfold.frozen.onnx_layers import written_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "check_onnx",
    "export_onnx",
    "read_onnx",
    "relative_difference",
    "session",
    "with_any_rows",
]

PARITY: Final = 1e-5
"""Largest difference of a file that is written by layers, relative to the module's outputs."""
FREED: Final = 1e-4
"""Largest difference of one that is freed from its number of rows."""


def export_onnx(
    module: nn.Module,
    example: Tensor,
    path: Path,
    *,
    names: Sequence[str] = ("output",),
    fixed_batch: bool = False,
) -> None:
    """Export a copy of a module, in evaluation mode on the CPU, to one ONNX file with its weights.

    Parameters
    ----------
    module
        Module from one tensor to a tensor or a tuple of tensors, named in order by ``names``.
    example
        (n, ...) rows; the name of the file's input is ``"input"``.
    fixed_batch
        Whether the model takes exactly n rows; else it takes any number, on the axis ``"rows"``.

    Raises
    ------
    BundleError
        If torch's exporter cannot export the module.
    """
    ready = copy.deepcopy(module).cpu().eval()
    if len(names) == 1 and _written(ready, example, path, names[0], fixed_batch=fixed_batch):
        return
    free = {0: torch.export.Dim("rows")}
    if example.dtype == torch.int32 and example.ndim == 2:  # tokens, of any length
        free[1] = torch.export.Dim("steps")
    shapes = None if fixed_batch else (free,)
    if not fixed_batch and len(example) == 1:
        example = torch.cat([example, example])  # the exporter treats a batch of 1 as a constant
    try:
        with _quiet():
            torch.onnx.export(
                ready,
                (example,),
                path,
                input_names=["input"],
                output_names=list(names),
                dynamic_shapes=shapes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter runs foreign code
        reason = str(error).strip().split("\n", 1)[0]
        message = f"{type(module).__name__} must be exportable to ONNX; got: {reason}"
        raise BundleError(message) from error


def _written(
    module: nn.Module, example: Tensor, path: Path, name: str, *, fixed_batch: bool
) -> bool:
    """Write a module of simple layers without torch's exporter, if the file then does the same."""
    try:
        model = written_layers(module, example, name, rows=len(example) if fixed_batch else None)
    except (RuntimeError, TypeError, AttributeError):  # the exporter says what does not fit
        return False
    if model is None:
        return False
    drawn = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = module(drawn).numpy()
    (got,) = session(model.SerializeToString()).run(None, {"input": drawn.numpy()})
    if not relative_difference(got, wanted) <= PARITY:  # a hook, or a forward of its own
        return False
    onnx.save(model, path)
    return True


def with_any_rows(content: bytes, module: nn.Module, shape: Sequence[int]) -> bytes | None:
    """Return an ONNX file of so many rows as one of any number; None where it then fails.

    It is run beside its module, in evaluation mode on the CPU, on three rows of a shape.
    """
    model = onnx.load_model_from_string(content)
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.shape.dim[0].dim_param = "rows"
    del model.graph.value_info[:]  # shapes between the layers, with the old number
    freed: bytes = model.SerializeToString()
    drawn = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    try:
        (got,) = session(freed).run(None, {"input": drawn.numpy()})
    except Exception:  # noqa: BLE001  the exceptions of ONNX Runtime have no base of their own
        return None
    with torch.no_grad():
        wanted = module(drawn).numpy()
    return freed if relative_difference(got, wanted) <= FREED else None


def read_onnx(path: Path) -> bytes:
    """Read an ONNX file that holds all of its weights.

    Raises
    ------
    BundleError
        If it is no ONNX file, or names other files to read weights from.
    """
    content = path.read_bytes()
    check_onnx(content, path)
    return content


def check_onnx(content: bytes, name: object) -> None:
    """Refuse content as :func:`read_onnx` does."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise BundleError(f"{name} must be an ONNX file; got: {error!s:.80}") from error
    if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in _tensors(model)):
        raise BundleError(f"{name} must hold all of its weights; it names other files")


def _tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """Find the tensors of a part of a model, wherever they are."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in (value,) if isinstance(value, Message) else value:
                yield from _tensors(part)


def relative_difference(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the largest difference of two arrays, relative to the largest value wanted.

    It is infinite if shapes, or values that are not finite, differ.
    """
    finite = np.isfinite(wanted)
    if got.shape != wanted.shape or not np.array_equal(
        got[~finite], wanted[~finite], equal_nan=True
    ):
        return float("inf")
    a, b = got[finite].astype(np.float64), wanted[finite].astype(np.float64)
    if not len(b):
        return 0.0
    scale = float(np.abs(b).max())
    return float(np.abs(a - b).max()) / (scale or 1.0)


def session(model: Path | bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX file, or its bytes, in ONNX Runtime on the CPU without log output.

    It runs with torch's number of threads by default; what cannot run is a BundleError.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal; errors are raised as exceptions anyway
    options.add_session_config_entry("session.load_model_format", "ONNX")  # and no other one
    content = model if isinstance(model, bytes) else str(model)
    providers = ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # the exceptions of ONNX Runtime have no base of their own
        raise BundleError(f"the model must be runnable by ONNX Runtime; got: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's prints, logs and warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    nowhere = io.StringIO()
    try:
        with catch_warnings(action="ignore"), redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(before)
