"""Of good hyper-parameters the central one is chosen."""

from __future__ import annotations

import numpy as np

from fourfold.algorithms.zeroshot.generalized import central_choice


def test_the_grid_point_amid_the_best_is_taken():
    alike = np.array([[0.1, 0.5, 0.6, 0.5, 0.1], [0.1, 0.6, 0.5, 0.6, 0.1]])
    assert central_choice(alike) == (2,)
    assert central_choice(np.array([[[0.1, 0.9], [0.2, 0.3]]] * 3)) == (0, 1)
