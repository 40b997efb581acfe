"""Cuts of a network into a frozen lower part and a trainable upper part."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, final

from torch import Tensor, fx, nn

from fourfold.errors import ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.taps import closest
from fourfold.networks.tracing import Traced, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cut", "cut", "headless", "layers", "split", "stays"]


@final
class Cut(nn.Module):
    """A network whose lower part is frozen, while the rest trains."""

    def __init__(self, frozen: Frozen, rest: nn.Module) -> None:
        super().__init__()
        self.frozen = frozen
        self.rest = rest

    def __deepcopy__(self, memo: dict[int, Any]) -> Cut:
        return Cut(self.frozen, copy.deepcopy(self.rest, memo))  # frozen weights are shared

    def forward(self, x: Tensor) -> Any:
        """Compute the whole network's output: ``rest(frozen(x))``."""
        return self.rest(self.frozen(x))


def stays(network: object) -> bool:
    """Return whether a network is a frozen one without a layer above it that would train."""
    return isinstance(network, Cut) and not any(True for _ in network.rest.parameters())


def cut(network: nn.Module, at: str, **frozen_options: Any) -> Cut:
    """Freeze a network up to one of its layers.

    Parameters
    ----------
    network
        A module of one tensor. Its lower part is copied; its upper part is shared with it, so pass
        a copy where the network must not change.
    at
        The last frozen layer; see :func:`layers`.
    **frozen_options
        ``taps``, ``engine``, ``block``, ``precision`` and ``dtype`` of
        :class:`~fourfold.frozen.frozen.Frozen`.

    Raises
    ------
    ParameterError
        If there is no such layer, or a path leads around it.

    Examples
    --------
    >>> parts = cut(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), "1")
    >>> sum(p.numel() for p in parts.parameters() if p.requires_grad)
    4
    """
    lower, upper = split(network, at)
    return Cut(Frozen(lower, **frozen_options), upper)


def layers(network: nn.Module) -> list[str]:
    """Name the layers at which a network can be cut, from its input to its output.

    Every path from the input to the output passes such a layer, and its output is all that the
    later layers need: in a ResNet the blocks, not the layers inside one.

    Raises
    ------
    ParameterError
        If the network's forward cannot be traced.

    Examples
    --------
    >>> layers(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1))))
    ['0', '1.0', '1.1', '1']
    """
    traced = trace(network)
    found: list[str] = []
    for node in traced.passed():
        name = str(node.target)
        if traced.enters(node):
            found += [f"{name}.{inner}" for inner in _layers_inside(traced.target(node))]
        found.append(name)
    return list(dict.fromkeys(reversed(found)))[::-1]  # after the last of several calls


def _layers_inside(layer: nn.Module) -> list[str]:
    try:
        return layers(layer)
    except ParameterError:  # not traceable: no cut inside, only behind
        return []


def split(network: nn.Module, at: str) -> tuple[nn.Module, nn.Module]:
    """Split a network behind one of its layers.

    Parameters
    ----------
    network
        A module of one tensor. One that runs its children in sequence is split into plain
        ``Sequential``s; any other is traced by ``torch.fx``.
    at
        The name of the last layer below the cut, such as ``"layer3"``; see :func:`layers`.

    Returns
    -------
    tuple
        The lower and the upper part: ``upper(lower(x))`` is ``network(x)``. They hold the
        network's own layers and parameters, under the same names.

    Raises
    ------
    ParameterError
        If there is no such layer, or a path leads around it.

    Examples
    --------
    >>> lower, upper = split(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), "1")
    >>> upper
    Sequential(
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    known = [name for name, _ in network.named_modules() if name]
    if at not in known:
        raise ParameterError(
            f"a cut must name a layer of the network; got {at!r}{closest(at, known)}"
        )
    possible = layers(network)
    if at not in possible:
        near = ", ".join(_around(at, known, possible)) or "no layer"
        raise ParameterError(
            f"every path through the network must pass where it is cut, and not all pass {at!r}; "
            f"it can be cut at {near}"
        )
    return _split(network, at)


def _split(network: nn.Module, at: str) -> tuple[nn.Module, nn.Module]:
    """Split at a layer that all paths pass, and split the layers that contain it."""
    traced = trace(network)
    node = next(n for n in reversed(traced.passed()) if f"{at}.".startswith(f"{n.target}."))
    layer, inside = traced.target(node), at[len(str(node.target)) + 1 :]
    lower, upper = _split(layer, inside) if inside else (layer, nn.Sequential())
    build = _sequences if traced.sequential else _graphs
    parts = build(traced, node, lower, upper)
    for part in parts:
        part.training = network.training  # layers keep their own modes
    return parts


def _sequences(
    traced: Traced, node: fx.Node, lower: nn.Module, upper: nn.Module
) -> tuple[nn.Module, nn.Module]:
    calls = [(str(call.target), traced.target(call)) for call in traced.calls()]
    at, name = traced.calls().index(node), str(node.target)
    rest = [] if _does_nothing(upper) else [(name, upper)]
    return (
        nn.Sequential(OrderedDict([*calls[:at], (name, lower)])),
        nn.Sequential(OrderedDict([*rest, *calls[at + 1 :]])),
    )


def _graphs(
    traced: Traced, node: fx.Node, lower: nn.Module, upper: nn.Module
) -> tuple[nn.Module, nn.Module]:
    below, above = fx.Graph(), fx.Graph()
    ends = _copy(traced.needed(node), below, {})
    below.output(ends[node])
    start = above.placeholder("x")
    if not _does_nothing(upper):
        start = above.call_module(str(node.target), (start,))
    needed = traced.needed(traced.output, without=node)
    inputs = [one for one in needed if one.op == "placeholder"]  # only their length is used
    _copy(needed, above, dict.fromkeys([node, *inputs], start))
    name = type(traced.network).__name__
    return (
        _module(traced, below, {str(node.target): lower}, f"{name}Lower"),
        _module(traced, above, {str(node.target): upper}, f"{name}Upper"),
    )


def _copy(
    nodes: Sequence[fx.Node], graph: fx.Graph, known: dict[fx.Node, fx.Node]
) -> dict[fx.Node, fx.Node]:
    for node in nodes:
        if node not in known:
            known[node] = graph.node_copy(node, known.__getitem__)
    return known


def _module(
    traced: Traced, graph: fx.Graph, replaced: dict[str, nn.Module], name: str
) -> nn.Module:
    """Make a module of a graph and the network's layers, some of them replaced."""
    named = [node for node in graph.nodes if node.op in {"call_module", "get_attr"}]
    root = {str(node.target): traced.target(node) for node in named}
    root |= {target: layer for target, layer in replaced.items() if target in root}
    return fx.GraphModule(root, graph, name)


def _does_nothing(part: nn.Module) -> bool:
    return type(part) is nn.Sequential and len(part) == 0


def _around(at: str, known: list[str], possible: list[str]) -> list[str]:
    """Return the nearest possible cuts before and after a layer, in order of definition."""
    below = {name for name in known[: known.index(at)] if not at.startswith(f"{name}.")}
    before = [name for name in possible if name in below]
    after = [name for name in possible if name not in below]
    return [*before[-1:], *after[:1]]


def headless(network: nn.Module) -> tuple[nn.Module, int]:
    """Return a copy of a network without its last Linear, and that layer's input width.

    Raises
    ------
    ParameterError
        If the last layer is not a ``Linear``.

    Examples
    --------
    >>> headless(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))[1]
    3
    """
    name = _last(network)
    last = network.get_submodule(name)
    if not isinstance(last, nn.Linear):
        kind = type(last).__name__
        kind = kind if name else f"forward of {kind} that ends otherwise"
        raise ParameterError(f"the last layer must be a Linear, to be taken off; got a {kind}")
    if not name:
        return nn.Identity(), last.in_features
    body = copy.deepcopy(network)
    parent, _, child = name.rpartition(".")
    setattr(body.get_submodule(parent), child, nn.Identity())
    return body, last.in_features


def _last(network: nn.Module) -> str:
    """Return the name of the layer whose output a network returns."""
    try:
        traced = trace(network)
    except ParameterError:  # not traceable: take the last in order of definition
        leaves = [name for name, part in network.named_modules() if not list(part.children())]
        return str(leaves[-1])
    result = traced.output.args[0]
    if not isinstance(result, fx.Node) or result.op != "call_module":
        return ""  # computed by forward itself
    name = str(result.target)
    inside = _last(traced.target(result)) if traced.enters(result) else ""
    return f"{name}.{inside}" if inside else name
