"""Results of a side over seeds: means, and the ends of their 95 % intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from benchmarks.harness import Measures


def interval(name: str, values: ArrayLike) -> Measures:
    """Return a mean over seeds and the ends of its 95 % interval (Student's t), by their names."""
    found = np.asarray(values, dtype=float)
    mean = float(found.mean())
    reach = float(stats.t.ppf(0.975, len(found) - 1) * stats.sem(found))
    return {name: mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}
