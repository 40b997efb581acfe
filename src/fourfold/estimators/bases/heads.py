"""Heads of additive models: a linear layer, or an ONNX file where there are trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from fourfold.algorithms.additive.converted import Converted
from fourfold.estimators.network_export import Columns
from fourfold.frozen.onnx import check_onnx
from fourfold.frozen.onnx_module import OnnxModule

if TYPE_CHECKING:
    from fourfold.algorithms.additive.model import Additive

__all__ = ["OnnxHead", "head_of", "linear_head"]


@final
class OnnxHead(OnnxModule):
    """A head that ONNX Runtime computes; its file is its only weight, ``onnx``, bytes (n,)."""

    onnx: Tensor

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        held = bytearray(content or b"\0")  # a tensor must hold something
        self.register_buffer("onnx", torch.frombuffer(held, dtype=torch.uint8))

    @property
    def content(self) -> bytes:
        return self.onnx.numpy().tobytes()

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *more: Any) -> None:
        saved = state.get(f"{prefix}onnx")
        if saved is not None:
            check_onnx(saved.numpy().tobytes(), "the saved head")
            self.register_buffer("onnx", torch.empty_like(saved))
        super()._load_from_state_dict(state, prefix, *more)


def head_of(model: Additive | Converted) -> nn.Module:
    """Return a head that computes the outputs of a model."""
    if isinstance(model, Converted) or model.ensemble is not None:
        return OnnxHead(model.onnx)
    line = model.linear
    head = linear_head(model.width, len(line.bias), model.start)
    [*_, layer] = head.modules()
    weight, bias = torch.tensor(line.weight.T), torch.tensor(line.bias)
    layer.load_state_dict({"weight": weight.float(), "bias": bias.float()})
    return head


def linear_head(width: int, outputs: int, start: int) -> nn.Module:
    """Return a linear layer on features, of which the first ones are left out."""
    if not start:
        return nn.Linear(width, outputs)
    return nn.Sequential(Columns(start, width), nn.Linear(width - start, outputs))
