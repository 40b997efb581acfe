"""Sizes and limits of the attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from benchmarks.faults.children import Limits

__all__ = ["Settings"]


@final
@dataclass(frozen=True)
class Settings:
    """Sizes of the attack, and the limits of one case.

    Attributes
    ----------
    kills, flips
        Number of killed works, and of damaged files.
    inputs
        Number of mutated inputs of each format.
    seed
        Of all draws.
    seconds, megabytes
        Limits of one case.
    """

    kills: int = 50
    flips: int = 500
    inputs: int = 20_000
    seed: int = 0
    seconds: float = 60.0
    megabytes: int = 512

    @property
    def limits(self) -> Limits:
        """Return the limits of a case."""
        return Limits(self.seconds, self.megabytes << 20)
