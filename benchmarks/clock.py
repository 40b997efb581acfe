"""Epochs, timed in the same way on every side."""

from __future__ import annotations

import os
import statistics
import time
from typing import final


@final
class Clock:
    """Takes the time from the end of one epoch to the end of the next; called at each end.

    The first epoch, in which everything warms up, is not among them.
    """

    def __init__(self) -> None:
        self._ends: list[float] = []

    def __call__(self, *_: object) -> None:
        self._ends.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """Return the median of an epoch."""
        pairs = zip(self._ends, self._ends[1:], strict=False)
        return statistics.median(end - start for start, end in pairs)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))
