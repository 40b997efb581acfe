"""ONNX: a module as one file, run by ONNX Runtime, and the proof that it computes the same."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from fourfold.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["check_parity", "export_onnx", "relative_difference", "session"]


def export_onnx(
    module: nn.Module,
    example: Tensor,
    path: Path,
    *,
    names: Sequence[str] = ("output",),
    fixed_batch: bool = False,
) -> None:
    """Write a module in eval mode as one ONNX file, weights inside.

    Parameters
    ----------
    module
        Takes one tensor, returns one or a tuple of them; its mode is the same afterwards.
    example
        (n, ...): rows such as it will get, on the module's device.
    path
        The file to write. Its input is called ``"input"``.
    names
        What the outputs are called, in order.
    fixed_batch
        Whether the file takes exactly n rows; else any number, and the axis is called ``"rows"``.

    Raises
    ------
    BundleError
        If the module does something that ONNX or torch's exporter cannot express.
    """
    shapes = None if fixed_batch else ({0: torch.export.Dim("rows")},)
    if not fixed_batch and len(example) == 1:
        example = torch.cat([example, example])  # the exporter takes a batch of 1 for a constant
    try:
        with _evaluating(module), _quiet():
            torch.onnx.export(
                module,
                (example,),
                path,
                input_names=["input"],
                output_names=list(names),
                dynamic_shapes=shapes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter runs foreign code and raises whatever that does
        reason = str(error).strip().split("\n", 1)[0]
        message = f"{type(module).__name__} must be exportable to ONNX; the exporter says: {reason}"
        raise BundleError(message) from error


def check_parity(
    model: Path | bytes, module: nn.Module, inputs: Tensor, tolerance: float = 1e-3
) -> float:
    """Compare an ONNX file's outputs with the module's own.

    Parameters
    ----------
    model
        The file, or its bytes.
    module
        What it was exported from; its mode is the same afterwards.
    inputs
        (n, ...), on the module's device.
    tolerance
        How large a difference may be, as a part of the output's largest value.

    Returns
    -------
    float
        The largest difference, as a part of the output's largest value.

    Raises
    ------
    BundleError
        If it is above the tolerance.
    """
    with _evaluating(module), torch.no_grad():
        output = module(inputs)
    wanted = [output] if isinstance(output, Tensor) else list(output)
    got = session(model).run(None, {"input": inputs.detach().cpu().numpy()})
    expected = [one.detach().cpu().numpy() for one in wanted]
    worst = max(relative_difference(a, b) for a, b in zip(got, expected, strict=True))
    if not worst <= tolerance:
        raise BundleError(
            f"the exported model must compute what {type(module).__name__} does, up to "
            f"{tolerance:g} of the output's scale; got a difference of {worst:g}"
        )
    return worst


def relative_difference(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the largest difference of two arrays, as a part of the largest value wanted.

    What is not finite must be so in both, and differs by infinity otherwise.
    """
    if got.shape != wanted.shape:
        return float("inf")
    finite = np.isfinite(wanted)
    if not np.array_equal(got[~finite], wanted[~finite], equal_nan=True):
        return float("inf")
    a, b = got[finite].astype(np.float64), wanted[finite].astype(np.float64)
    if not len(b):
        return 0.0
    scale = float(np.abs(b).max())
    return float(np.abs(a - b).max()) / (scale or 1.0)


def session(model: Path | bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX model for ONNX Runtime on the CPU, quietly.

    Parameters
    ----------
    model
        The file, or its bytes.
    threads
        How many threads a run uses; by default as many as torch does now.

    Raises
    ------
    BundleError
        If it is no model that ONNX Runtime can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal: an error comes as an exception already
    content = model if isinstance(model, bytes) else str(model)
    providers = ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no base of their own
        raise BundleError(
            f"the model must be one that ONNX Runtime can run; got: {error}"
        ) from error


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in eval mode, and every part of it back in its own afterwards."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter prints, logs and warns about from the user, who cannot act on it."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    nowhere = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
