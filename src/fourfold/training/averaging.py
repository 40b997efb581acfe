"""Averages of weights over the steps of a training."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, final

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

__all__ = ["Average"]


@final
class Average:
    """An exponential moving average of a module's weights and statistics.

    The decay of step s is at most (1 + s)/(10 + s), so that the start is soon forgotten.

    Parameters
    ----------
    module
        The trained module, whose present weights are the first average.
    decay
        Weight of the average beside the present weights.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.clone() for name, value in _moving(module).items()}

    def update(self, module: nn.Module, step: int) -> None:
        """Move the average towards the weights after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = _moving(module)
        with torch.no_grad():
            for name, value in self.weights.items():
                value.lerp_(now[name], 1 - decay)

    @contextmanager
    def used(self, module: nn.Module) -> Iterator[None]:
        """Put the average in the place of the weights."""
        trained = {name: value.clone() for name, value in _moving(module).items()}
        self.put(module)
        try:
            yield
        finally:
            _fill(module, trained)

    def put(self, module: nn.Module) -> None:
        """Replace the weights by their average."""
        _fill(module, self.weights)


def _moving(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights and statistics of a module that are real numbers."""
    state = module.state_dict()
    return {name: value for name, value in state.items() if value.is_floating_point()}


def _fill(module: nn.Module, weights: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in _moving(module).items():
            value.copy_(weights[name])
