"""The trainable stages of a network, from its input to its output."""

from __future__ import annotations

from torch import nn

from fourfold.preparation.choose import Standardizer

__all__ = ["stages"]


def stages(body: nn.Module) -> dict[str, nn.Module]:
    """Name the parts of a network that have weights or statistics, from input to output.

    These are the network's children; of a network with a single child, that child's children.
    Weights of a module outside its children, such as a transformer's class token, come first.

    Examples
    --------
    >>> list(stages(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))))
    ['0', '2']
    """
    found = {name: part for name, part in body.named_children() if _learns(part)}
    if len(found) != 1:
        return found
    ((name, only),) = found.items()
    if not list(only.children()):
        return found
    inner = {f"{name}.{deeper}": part for deeper, part in stages(only).items()}
    own = list(only.parameters(recurse=False))
    return {name: nn.ParameterList(own), **inner} if own else inner


def _learns(part: nn.Module) -> bool:
    """Return True for a part with weights, or with statistics that training updates."""
    if isinstance(part, Standardizer):
        return False
    return any(True for _ in (*part.parameters(), *part.buffers()))
