"""Graphs of a network's forward, one level deep, by torch.fx."""

from __future__ import annotations

import inspect
from operator import attrgetter, getitem
from typing import Any, final

from torch import fx, nn
from torch.nn import functional

from fourfold.errors import ParameterError

__all__ = ["Traced", "trace"]


@final
class Traced:
    """The graph of a network's forward, whose nodes are calls of layers.

    Layers that are added to those of the network are known by name.
    """

    def __init__(self, network: nn.Module, graph: fx.Graph, added: dict[str, nn.Module]) -> None:
        self.network, self.graph, self._added = network, graph, added
        self.output = next(node for node in graph.nodes if node.op == "output")

    def target(self, node: fx.Node) -> Any:
        """Return the layer, parameter or buffer that a node names."""
        name = str(node.target)
        return self._added[name] if name in self._added else attrgetter(name)(self.network)

    def needed(self, node: fx.Node, without: fx.Node | None = None) -> list[fx.Node]:
        """Return the nodes that a node depends on, itself included, in order.

        Paths through ``without`` are left out.
        """
        found, waiting = set(), [node]
        while waiting:
            now = waiting.pop()
            if now is not without and now not in found:
                found.add(now)
                waiting += now.all_input_nodes
        return [one for one in self.graph.nodes if one in found]

    def calls(self) -> list[fx.Node]:
        """Return the calls of layers that the output depends on, in order."""
        return [node for node in self.needed(self.output) if node.op == "call_module"]

    def passed(self) -> list[fx.Node]:
        """Return the calls of layers on every path from the input to the output.

        Other paths may use the number of rows alone, which any activation tells.
        """
        return [n for n in self.calls() if n.target not in self._added and self._is_passed(n)]

    def _is_passed(self, node: fx.Node) -> bool:
        around = self.needed(self.output, without=node)
        return all(_only_counted(one, around) for one in around if one.op == "placeholder")

    def enters(self, node: fx.Node) -> bool:
        """Return True for a layer that has parts to trace and is called once, with one argument."""
        alone = sum(one.target == node.target for one in self.calls()) == 1
        parts = next(self.target(node).children(), None) is not None
        return alone and parts and len(node.args) == 1 and not node.kwargs

    @property
    def sequential(self) -> bool:
        """Whether forward runs the network's children in sequence and nothing else."""
        first, *steps, last = self.needed(self.output)
        children = {name for name, _ in self.network.named_children()}
        names = [step.target for step in steps]
        chain = all(
            node.args == (before,) and not node.kwargs
            for before, node in zip([first, *steps], [*steps, last], strict=True)
        )
        calls = all(step.op == "call_module" for step in steps)
        return chain and calls and children.issuperset(names) and len(set(names)) == len(names)


def _only_counted(value: fx.Node, among: list[fx.Node]) -> bool:
    """Return True if some nodes use only the number of rows of a value."""
    users = [user for user in value.users if user in among]
    return all(_counts(user) or (_shape(user) and _first_only(user, among)) for user in users)


def _counts(node: fx.Node) -> bool:
    return _form(node)[:2] == ("call_method", "size") and node.args[1:] == (0,)


def _shape(node: fx.Node) -> bool:
    attribute = node.target is getattr and node.args[1:] == ("shape",)
    return attribute or (_form(node)[:2] == ("call_method", "size") and not node.args[1:])


def _first_only(shape: fx.Node, among: list[fx.Node]) -> bool:
    users = [user for user in shape.users if user in among]
    return all(user.target is getitem and user.args[1:] == (0,) for user in users)


class _Tracer(fx.Tracer):
    """A tracer for which every module is a leaf."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return True


def trace(network: nn.Module) -> Traced:
    """Trace a network's forward on one tensor.

    It is traced in both modes, since a graph holds the operations of one. A functional dropout that
    depends on the mode becomes a layer; any other such operation is refused.

    Raises
    ------
    ParameterError
        If forward depends on the values or sizes of its input, or on the mode.
    """
    if isinstance(network, nn.Sequential) and type(network).forward is nn.Sequential.forward:
        return Traced(network, _chain(network), {})
    training, evaluating = _graph(network, training=True), _graph(network, training=False)
    added: dict[str, nn.Module] = {}
    nodes, others = list(training.nodes), list(evaluating.nodes)
    changes = [
        node for node, other in zip(nodes, others, strict=False) if _form(node) != _form(other)
    ]
    same = len(nodes) == len(others) and all(n.target is functional.dropout for n in changes)
    if not same:
        raise ParameterError(
            f"the forward of {type(network).__name__} must do the same in training and in "
            "evaluation, outside its layers, to be cut; got one that depends on self.training"
        )
    for node in changes:
        _replace_dropout(node, added, network)
    return Traced(network, training, added)


def _form(node: fx.Node) -> tuple[str, str, str, str]:
    return node.op, str(node.target), str(node.args), str(node.kwargs)


def _chain(network: nn.Sequential) -> fx.Graph:
    """Write the graph of a ``Sequential`` as torch.fx traces it, which takes longer."""
    names = {layer: name for name, layer in network.named_modules()}  # the first of several names
    graph = fx.Graph()
    value = graph.placeholder("input")
    for layer in network:
        value = graph.call_module(names[layer], (value,))
    graph.output(value)
    return graph


def _graph(network: nn.Module, *, training: bool) -> fx.Graph:
    parameters = list(inspect.signature(network.forward).parameters.values())[1:]
    given = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    before, network.training = network.training, training
    try:
        return _Tracer().trace(network, given or None)
    except Exception as error:  # forward is foreign code and gets proxies for tensors
        raise ParameterError(
            f"the forward of {type(network).__name__} must be traceable by torch.fx to be cut; "
            f"torch.fx says: {error}"
        ) from error
    finally:
        network.training = before


def _replace_dropout(node: fx.Node, added: dict[str, nn.Module], network: nn.Module) -> None:
    """Replace a functional dropout by a layer."""
    arguments = inspect.signature(functional.dropout).bind(*node.args, **node.kwargs).arguments
    name = f"dropout_{len(added)}"
    added[name] = nn.Dropout(arguments.get("p", 0.5)).train(network.training)
    with node.graph.inserting_before(node):
        layer = node.graph.create_node("call_module", name, (arguments["input"],))
    node.replace_all_uses_with(layer)
    node.graph.erase_node(node)
