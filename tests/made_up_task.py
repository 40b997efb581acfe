"""A made-up table, as the arena builds tasks: the first of three columns tells yes from no."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.arena.task import Case, Rows


def build(budget: int, draw: int) -> Case:
    """Return 80 rows of the source, so many of the target, and 80 to evaluate on."""
    random = np.random.default_rng(draw)
    x = random.normal(size=(200, 3))
    y = np.where(x[:, 0] + random.normal(size=200) / 4 > 0, "yes", "no")
    rows = Rows(pd.DataFrame(x, columns=[*"abc"]), y)
    return Case(*(rows.at(np.arange(*ends)) for ends in ((0, 80), (80, 80 + budget), (120, 200))))
