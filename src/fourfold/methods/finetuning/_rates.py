"""Learning rates that fall from the head of a network to its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.networks.builder import stages
from fourfold.training.phases import Part

if TYPE_CHECKING:
    from fourfold.estimators.model import Model

__all__ = ["falling_rates"]

MOST_STAGES: Final = 6
"""Stages over which rates fall; those of deeper networks share this fall."""


def falling_rates(model: Model, decay: float) -> list[Part]:
    """Give the head the full learning rate, and each stage a share of the one above it.

    Where there are more than six stages, the lowest has the rate that it has of six.
    """
    upwards = [part for part in stages(model.body).values() if list(part.parameters())][::-1]
    step = min(1.0, MOST_STAGES / max(1, len(upwards)))
    rates = ((stage, decay ** (i * step)) for i, stage in enumerate(upwards, start=1))
    return [Part(model.head), *(Part(stage, rate) for stage, rate in rates)]
