"""The start of an engine, and the proof of its values."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from fourfold.errors import BundleError, DataError
from fourfold.frozen.engines import OnnxRuntimeEngine, TorchEngine
from fourfold.frozen.onnx import export_onnx, relative_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.frozen.engines import Engine, EngineName, Precision
    from fourfold.frozen.taps import Tapped

__all__ = ["start_engine"]

TOLERANCE: Final[dict[Precision, float]] = {"fp32": 1e-3, "bf16": 0.1}
"""Largest difference of an engine from the module, relative to the output's largest value."""


def start_engine(
    tapped: Tapped, name: EngineName, block: int, precision: Precision, example: NDArray[Any]
) -> Engine:
    """Start an engine for rows like the example, and prove it.

    It must compute the same as the module. A row's value must not depend, in any bit, on its place
    in a block or on the other rows. If a kernel treats the rows of a block differently, the block
    becomes one row. The example is (m, ...) rows of the module's input type, at least one.

    A module that cannot be exported or an engine that computes something else is a BundleError, a
    module that is not row-wise a DataError.
    """
    probe = _probe(example, block)
    engine = _build(tapped, name, precision, probe)
    outputs = engine.run(probe)
    tolerance = TOLERANCE[precision]
    if name != "torch":
        pairs = zip(outputs, TorchEngine(tapped, block).run(probe), strict=True)
        worst = max(relative_difference(got, wanted) for got, wanted in pairs)
        if not worst <= tolerance:
            raise BundleError(
                f"{name} must compute the same as the module, up to {tolerance:g} of the output's "
                f"scale; got a difference of {worst:g}"
            )
    worst = _dependence(engine, probe, outputs)
    if worst == 0:
        return engine
    if worst > tolerance:
        raise DataError(
            "a frozen module must be row-wise, each row computed by itself; "
            f"got values that change by {worst:g} of their scale with the other rows"
        )
    return _build(tapped, name, precision, probe[:1])


def _build(tapped: Tapped, name: EngineName, precision: Precision, probe: NDArray[Any]) -> Engine:
    block = len(probe)
    if name == "torch":
        return TorchEngine(tapped, block, precision)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frozen.onnx")
        names = [*(f"tap{i}" for i in range(len(tapped.taps))), "output"]
        module = tapped if tapped.taps else tapped.module  # bare, simple layers are written
        export_onnx(module, torch.from_numpy(probe), path, names=names, fixed_batch=True)
        model = path.read_bytes()
    if name == "onnxruntime":
        return OnnxRuntimeEngine(model, block)
    from fourfold.frozen.openvino import OpenVinoEngine

    return OpenVinoEngine(model, block, precision)


def _probe(example: NDArray[Any], block: int) -> NDArray[Any]:
    """Make a block to test an engine: random numbers, or the rows themselves if whole numbers."""
    shape = (block, *example.shape[1:])
    if example.dtype.kind == "f" and (example != np.round(example)).any():
        return np.random.default_rng(0).standard_normal(shape).astype(example.dtype)
    return np.resize(example, shape)


def _dependence(engine: Engine, probe: NDArray[Any], outputs: list[NDArray[Any]]) -> float:
    """Return the change of a row's value with its place and the other rows; 0 if bit-equal."""
    if len(probe) == 1:
        return 0.0
    everywhere = np.repeat(probe[:1], len(probe), axis=0)
    last = np.zeros_like(probe)
    last[-1] = probe[0]
    worst = 0.0
    for a, b, c in zip(outputs, engine.run(everywhere), engine.run(last), strict=True):
        if len(a) != len(probe):
            message = f"a frozen layer must return one value for each row; got {len(a)} values"
            raise DataError(message)
        first = np.broadcast_to(a[:1], a.shape)
        worst = max(worst, _distance(first, b), _distance(a[:1], c[-1:]))
    return worst


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the relative difference of two arrays; 0 only if bit-equal."""
    if np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes():
        return 0.0
    return max(relative_difference(a, b), float(np.finfo(np.float64).tiny))
