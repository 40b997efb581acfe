"""Two views of the same hidden numbers, whose correlations are known to other libraries, too."""

from __future__ import annotations

import numpy as np


def views():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 3))
    X = shared @ rng.normal(size=(3, 8)) + rng.normal(size=(300, 8))
    Y = shared @ rng.normal(size=(3, 4)) + 0.5 * rng.normal(size=(300, 4))
    return X, Y
