"""Inference by torch."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, final

import torch

from fourfold.frozen.engines.base import Engine, Precision

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.frozen.taps import Tapped

__all__ = ["TorchEngine"]


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
