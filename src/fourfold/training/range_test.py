"""The learning-rate range test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from fourfold.training.batches import Stream

__all__ = ["find_rate"]

STEPS: Final = 60
"""Steps, of which each has a larger rate."""
RANGE: Final = (0.01, 100.0)
"""Factors of the learning rate between which the test goes."""
BELOW: Final = 0.1
"""Share of the rate of the least loss that is taken, as is usual."""
FOUND: Final = (0.1, 10.0)
"""Factors between which the found one lies."""
SMOOTHING: Final = 0.8
"""Decay of the moving average of the losses."""
LOST: Final = 4.0
"""Multiple of the least loss at which the test ends."""


def find_rate(
    module: nn.Module, streams: Sequence[Stream], step: Callable[[float], float]
) -> float:
    """Return the factor of the learning rate that is a tenth of the one with the least loss.

    ``step(factor)`` makes one step of training and returns its loss. Rates grow by a constant
    factor from step to step. Weights, batches and random numbers are put back as they were.

    References
    ----------
    Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017.
    """
    start = {name: value.clone() for name, value in module.state_dict().items()}
    places = [(stream.waiting, stream.generator.get_state()) for stream in streams]
    factors = np.geomspace(*RANGE, STEPS)
    smooth: list[float] = []
    with torch.random.fork_rng():
        mean = 0.0
        for i, factor in enumerate(factors, start=1):
            loss = step(float(factor))
            if not math.isfinite(loss):
                break
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            smooth.append(mean / (1 - SMOOTHING**i))
            if smooth[-1] > LOST * min(smooth) > 0:
                break
    module.load_state_dict(start)
    for stream, (waiting, state) in zip(streams, places, strict=True):
        stream.waiting = waiting
        stream.generator.set_state(state)
    best = BELOW * factors[int(np.argmin(smooth))] if smooth else 0.0
    return float(np.clip(best, *FOUND))
