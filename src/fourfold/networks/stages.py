"""The stages of a network, from its input to its output: what can be copied, frozen or trained."""

from __future__ import annotations

from torch import nn

__all__ = ["stages"]


def stages(body: nn.Module) -> dict[str, nn.Module]:
    """Name the parts of a network that have weights, from its input to its output.

    These are the network's children; where it is a single module, that module's children. Weights
    that a module holds beside its children, such as a transformer's class token, come first.

    Examples
    --------
    >>> list(stages(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))))
    ['0', '2']
    """
    found = {name: part for name, part in body.named_children() if list(part.parameters())}
    if len(found) != 1:
        return found
    ((name, only),) = found.items()
    if not list(only.children()):
        return found
    inner = {f"{name}.{deeper}": part for deeper, part in stages(only).items()}
    own = list(only.parameters(recurse=False))
    return {name: nn.ParameterList(own), **inner} if own else inner
