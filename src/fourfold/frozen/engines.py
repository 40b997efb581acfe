"""Inference engines: frozen modules on blocks of rows.

A new engine subclasses ``Engine`` and is built by ``start_engine``; one that needs an extra has a
file of its own.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import torch

from fourfold.frozen.onnx import session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from torch import Tensor

    from fourfold.frozen.taps import Tapped

__all__ = ["Engine", "EngineName", "OnnxRuntimeEngine", "Precision", "TorchEngine"]

EngineName: TypeAlias = Literal["onnxruntime", "openvino", "torch"]
Precision: TypeAlias = Literal["fp32", "bf16"]


class Engine(ABC):
    """Inference of a frozen module on blocks of a fixed number of rows."""

    name: EngineName
    block: int

    @abstractmethod
    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """Compute the taps and the output of a whole block: (block, ...) each."""


@final
class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on the CPU, with torch's number of threads at the first run.

    Pickling keeps only the bytes of the ONNX file, ``model``.
    """

    name = "onnxruntime"

    def __init__(self, model: bytes, block: int) -> None:
        self.model = model
        self.block = block
        self._session: InferenceSession | None = None

    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        self._session = self._session or session(self.model)
        outputs: list[NDArray[Any]] = self._session.run(None, {"input": rows})
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_session": None}


@final
class TorchEngine(Engine):
    """Torch in inference mode; on a CPU with pictures channels last, for speed."""

    name = "torch"

    def __init__(self, tapped: Tapped, block: int, precision: Precision = "fp32") -> None:
        self.block = block
        self.precision = precision
        self.module = copy.deepcopy(tapped)  # the memory layout changes in the copy only
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
