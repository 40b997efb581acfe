"""Taps: the values of several layers of a network at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, final

from torch import Tensor, nn

from fourfold.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["OUTPUT", "Tapped", "closest"]

OUTPUT = "output"
"""Name of a module's own output."""


@final
class Tapped(nn.Module):
    """A module that also returns the outputs of some of its layers.

    Parameters
    ----------
    module
        Module from one tensor to one tensor.
    taps
        Names of submodules, such as ``"layer3.0"``. Of a submodule that runs several times, the
        last value is returned.

    Raises
    ------
    ParameterError
        If a submodule does not exist, or is named twice.
    """

    def __init__(self, module: nn.Module, taps: Sequence[str]) -> None:
        super().__init__()
        known = [name for name, _ in module.named_modules() if name]
        for tap in taps:
            if tap not in known or tap == OUTPUT:
                raise ParameterError(
                    f"a tap must name a layer of the network; got {tap!r}{closest(tap, known)}"
                )
        if len(set(taps)) < len(taps):
            raise ParameterError(f"each tap must be named once; got {list(taps)}")
        self.module = module
        self.taps = tuple(taps)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values of ``forward``: the taps, then the output."""
        return (*self.taps, OUTPUT)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the values of the taps and the output: (n, ...) each."""
        values: dict[str, object] = {}
        handles = [
            self.module.get_submodule(tap).register_forward_hook(_keep(values, tap))
            for tap in self.taps
        ]
        try:
            values[OUTPUT] = self.module(x)
        finally:
            for handle in handles:
                handle.remove()
        return tuple(self._tensor(values, name) for name in self.names)

    def _tensor(self, values: dict[str, object], name: str) -> Tensor:
        if name not in values:
            raise ParameterError(f"a tap must be a layer that runs; got {name!r}, which did not")
        value = values[name]
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise DataError(f"a frozen module must return one tensor; {name!r} returned a {kind}")
        return value


def _keep(values: dict[str, object], tap: str) -> Callable[..., None]:
    def hook(_module: nn.Module, _inputs: object, output: object) -> None:
        # cloned, because an in-place activation may change it afterwards
        values[tap] = output.clone() if isinstance(output, Tensor) else output

    return hook


def closest(name: str, known: Sequence[str]) -> str:
    """List similar known names for the end of a message."""
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.4) or list(known[:5])
    return f"; near it: {', '.join(near)}" if near else ""
