"""ONNX files of sequences of simple layers, node by node: torch's exporter takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from onnx import TensorProto, helper
from torch import nn

from fourfold.frozen.onnx_graph import VERSIONS, OnnxGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

__all__ = ["written_layers"]


def written_layers(module: nn.Module, example: Tensor, name: str, *, rows: int | None) -> Any:
    """Write a module of simple layers as an ONNX model, or return None for any other.

    Simple are linear layers, flattening, batch norms and common activations, and of pictures
    convolutions and their largest values, one after another. Hooks, and a forward of a module's
    own, are not seen: compare the outputs.

    Parameters
    ----------
    module
        The module, on the CPU and in evaluation mode.
    example
        (n, ...) rows.
    name
        Of the output; the input is ``"input"``.
    rows
        Number of rows that the model takes; None for any.
    """
    layers = list(_layers(module))
    if example.dtype != torch.float32 or not layers or not _are_simple(layers, example.ndim):
        return None
    with torch.no_grad():
        shape = module(example).shape
    graph, last = OnnxGraph(), "input"
    for layer in layers:
        last = (WRITERS | OF_PICTURES)[type(layer)](graph, layer, last)
    graph.add("Identity", [last], name)
    return _model(graph, example.shape, name, shape, rows)


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Return the layers of a sequence in order, also of sequences in it; any other one as it is."""
    if not isinstance(module, nn.Sequential):
        yield module
        return
    for child in module:
        yield from _layers(child)


def _are_simple(layers: list[nn.Module], axes: int) -> bool:
    """Return whether layers can be written; those of features alone stand above flattening."""
    for layer in layers:
        if isinstance(layer, nn.Flatten):
            if (layer.start_dim, layer.end_dim) != (1, -1):
                return False
            axes = 2
        elif type(layer) not in {2: WRITERS, 4: OF_PICTURES}.get(axes, ELEMENTWISE):
            return False
        if isinstance(layer, NORMS) and not layer.track_running_stats:
            return False
        if isinstance(layer, nn.Conv2d) and not _padded_by_zeros(layer):
            return False
        if isinstance(layer, nn.MaxPool2d) and (layer.return_indices or layer.ceil_mode):
            return False
        if isinstance(layer, nn.Softmax) and layer.dim not in {1, -1}:
            return False
    return True


def _padded_by_zeros(layer: nn.Conv2d) -> bool:
    return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _model(
    graph: OnnxGraph, given: torch.Size, name: str, answer: torch.Size, rows: int | None
) -> Any:
    first: Any = "rows" if rows is None else rows
    infos = [
        helper.make_tensor_value_info(label, TensorProto.FLOAT, [first, *shape[1:]])
        for label, shape in (("input", given), (name, answer))
    ]
    return graph.model("layers", infos[:1], infos[1:], {"": VERSIONS[""]})


def _number(graph: OnnxGraph, tensor: Tensor) -> str:
    return graph.number(tensor.detach().numpy(), np.float32)


def _linear(graph: OnnxGraph, layer: Any, last: str) -> str:
    inputs = [last, _number(graph, layer.weight)]
    if layer.bias is not None:
        inputs.append(_number(graph, layer.bias))
    return graph.add("Gemm", inputs, transB=1)


def _normalized(graph: OnnxGraph, layer: Any, last: str) -> str:
    scale = 1 / torch.sqrt(layer.running_var + layer.eps)
    scale = scale if layer.weight is None else scale * layer.weight
    shift = -layer.running_mean * scale
    shift = shift if layer.bias is None else shift + layer.bias
    if isinstance(layer, nn.BatchNorm2d):  # of channels
        scale, shift = scale[:, None, None], shift[:, None, None]
    scaled = graph.add("Mul", [last, _number(graph, scale)])
    return graph.add("Add", [scaled, _number(graph, shift)])


def _convolved(graph: OnnxGraph, layer: Any, last: str) -> str:
    inputs = [last, _number(graph, layer.weight)]
    if layer.bias is not None:
        inputs.append(_number(graph, layer.bias))
    return graph.add("Conv", inputs, group=layer.groups, **_windows(layer))


def _largest(graph: OnnxGraph, layer: Any, last: str) -> str:
    return graph.add("MaxPool", [last], **_windows(layer))


def _windows(layer: Any) -> dict[str, Any]:
    """Return the attributes of windows over pictures."""
    size, stride, padding, dilation = (
        [value, value] if isinstance(value, int) else list(value)
        for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    )
    return {"kernel_shape": size, "strides": stride, "pads": 2 * padding, "dilations": dilation}


def _leaky(graph: OnnxGraph, layer: Any, last: str) -> str:
    return graph.add("LeakyRelu", [last], alpha=layer.negative_slope)


def _silu(graph: OnnxGraph, _layer: Any, last: str) -> str:
    return graph.add("Mul", [last, graph.add("Sigmoid", [last])])


def _same(_graph: OnnxGraph, _layer: Any, last: str) -> str:
    return last


def _node(kind: str, **attributes: Any) -> Callable[[OnnxGraph, Any, str], str]:
    return lambda graph, _layer, last: graph.add(kind, [last], **attributes)


ELEMENTWISE: Final[dict[type[nn.Module], Callable[[OnnxGraph, Any, str], str]]] = {
    nn.Dropout: _same,
    nn.Identity: _same,
    nn.LeakyReLU: _leaky,
    nn.ReLU: _node("Relu"),
    nn.Sigmoid: _node("Sigmoid"),
    nn.SiLU: _silu,
    nn.Tanh: _node("Tanh"),
}
WRITERS: Final[dict[type[nn.Module], Callable[[OnnxGraph, Any, str], str]]] = {
    **ELEMENTWISE,
    nn.BatchNorm1d: _normalized,
    nn.Flatten: _node("Flatten", axis=1),
    nn.Linear: _linear,
    nn.Softmax: _node("Softmax", axis=1),
}
"""Kind of a layer → writer of its nodes, which returns the name of the output."""
OF_PICTURES: Final[dict[type[nn.Module], Callable[[OnnxGraph, Any, str], str]]] = {
    **ELEMENTWISE,
    nn.BatchNorm2d: _normalized,
    nn.Conv2d: _convolved,
    nn.MaxPool2d: _largest,
}
"""Those of pictures, (n, channels, height, width)."""
NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d)
