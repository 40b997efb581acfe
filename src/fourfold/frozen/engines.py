"""Engines that run a frozen module on blocks of rows, each at its best settings."""

from __future__ import annotations

import copy
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

import numpy as np
import torch

from fourfold.errors import BundleError, DataError, ParameterError
from fourfold.frozen.onnx import export_onnx, relative_difference, session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from torch import Tensor

    from fourfold.frozen.taps import Tapped

__all__ = ["Engine", "EngineName", "OnnxRuntimeEngine", "Precision", "TorchEngine", "start"]

EngineName: TypeAlias = Literal["onnxruntime", "openvino", "torch"]
Precision: TypeAlias = Literal["fp32", "bf16"]
TOLERANCE: Final[dict[Precision, float]] = {"fp32": 1e-3, "bf16": 0.1}
"""How far an engine may be from the module, as a part of the output's largest value."""


class Engine(ABC):
    """Something that runs a frozen module on blocks of a fixed size.

    Attributes
    ----------
    name
        What it is called in keys and options.
    block
        How many rows a block holds.
    """

    name: EngineName
    block: int

    @abstractmethod
    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """Compute the taps and the output of a whole block: each (block, ...)."""


@final
class TorchEngine(Engine):
    """torch in inference mode; on the CPU pictures lie channels last, which is faster there."""

    name = "torch"

    def __init__(self, tapped: Tapped, block: int, precision: Precision = "fp32") -> None:
        self.block = block
        self.precision = precision
        self.module = copy.deepcopy(tapped)  # its own: the layout changes, weights must not
        self.device = next((p.device for p in tapped.parameters()), torch.device("cpu"))
        if self.device.type == "cpu":
            self.module.to(memory_format=torch.channels_last)

    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        x = torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(self.device)
        if x.ndim == 4 and self.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last)
        half = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            outputs = self.module(x)
        return [_array(output) for output in outputs]


def _array(output: Tensor) -> NDArray[Any]:
    narrow = output.is_floating_point() and output.dtype != torch.float64
    plain: NDArray[Any] = (output.float() if narrow else output).contiguous().cpu().numpy()
    return plain


@final
class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on the CPU, with as many threads as torch has when it first runs.

    Parameters
    ----------
    model
        An ONNX file's bytes; they are what travels to another process.
    block
        How many rows that model takes.
    """

    name = "onnxruntime"

    def __init__(self, model: bytes, block: int) -> None:
        self.model = model
        self.block = block
        self._session: InferenceSession | None = None

    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        if self._session is None:
            self._session = session(self.model)
        outputs: list[NDArray[Any]] = self._session.run(None, {"input": rows})
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_session": None}


def start(
    tapped: Tapped, name: EngineName, block: int, precision: Precision, example: NDArray[Any]
) -> Engine:
    """Start an engine for rows like the example, and prove it.

    It must compute what the module does, and a row's value must not depend, in any bit, on where
    in a block the row stands or on its neighbours. Where a kernel treats the rows of a block
    differently the block becomes one row, for which that holds by itself.

    Parameters
    ----------
    example
        (m, ...) rows of the type that the module takes, at least one.

    Raises
    ------
    BundleError
        If the module cannot be exported, or the engine computes something else.
    DataError
        If the module is not row-wise: a row's value depends on the rows beside it.
    """
    probe = _probe(example, block)
    engine = _build(tapped, name, precision, probe)
    outputs = engine.run(probe)
    if name != "torch":
        _check(outputs, TorchEngine(tapped, block).run(probe), name, TOLERANCE[precision])
    worst = _dependence(engine, probe, outputs)
    if worst == 0:
        return engine
    if worst > TOLERANCE[precision]:
        raise DataError(
            "what is frozen must be row-wise, each row computed by itself; "
            f"got values that change by {worst:g} of their scale with the rows beside them"
        )
    return _build(tapped, name, precision, probe[:1])


def _build(tapped: Tapped, name: EngineName, precision: Precision, probe: NDArray[Any]) -> Engine:
    block = len(probe)
    if name == "torch":
        return TorchEngine(tapped, block, precision)
    if name == "onnxruntime" and precision == "bf16":
        raise ParameterError("precision must be 'fp32' for onnxruntime on a CPU; got 'bf16'")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frozen.onnx")
        module = copy.deepcopy(tapped).cpu()
        names = [f"tap{i}" for i in range(len(tapped.taps))]
        example = torch.from_numpy(probe)
        export_onnx(module, example, path, names=[*names, "output"], fixed_batch=True)
        model = path.read_bytes()
    if name == "onnxruntime":
        return OnnxRuntimeEngine(model, block)
    from fourfold.frozen.openvino import OpenVinoEngine

    return OpenVinoEngine(model, block, precision)


def _probe(example: NDArray[Any], block: int) -> NDArray[Any]:
    """Make a block to try an engine on: random numbers, or for whole numbers the real rows."""
    shape = (block, *example.shape[1:])
    if example.dtype.kind == "f":
        return np.random.default_rng(0).standard_normal(shape).astype(example.dtype)
    return np.resize(example, shape)


def _check(
    got: list[NDArray[Any]], wanted: list[NDArray[Any]], name: EngineName, tolerance: float
) -> None:
    worst = max(relative_difference(a, b) for a, b in zip(got, wanted, strict=True))
    if not worst <= tolerance:
        raise BundleError(
            f"{name} must compute what the module does, up to {tolerance:g} of the output's "
            f"scale; got a difference of {worst:g}"
        )


def _dependence(engine: Engine, probe: NDArray[Any], outputs: list[NDArray[Any]]) -> float:
    """Return how far a row's value changes with its place and neighbours; 0 if in no bit."""
    if len(probe) == 1:
        return 0.0
    everywhere = np.repeat(probe[:1], len(probe), axis=0)
    last = np.zeros_like(probe)
    last[-1] = probe[0]
    worst = 0.0
    for a, b, c in zip(outputs, engine.run(everywhere), engine.run(last), strict=True):
        if len(a) != len(probe):
            raise DataError(f"a frozen layer must return a value a row; got {len(a)} values")
        first = np.broadcast_to(a[:1], a.shape)
        worst = max(worst, _distance(first, b), _distance(a[:1], c[-1:]))
    return worst


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the relative difference of two arrays: 0 only if they agree in every bit."""
    if np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes():
        return 0.0
    return max(relative_difference(a, b), float(np.finfo(np.float64).tiny))
