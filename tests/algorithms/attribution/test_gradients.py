"""Integrated gradients are exact for lines, and complete for networks."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.attribution.gradients import integrated_gradients


def rows(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_those_of_a_line_are_weights_times_differences():
    torch.manual_seed(0)
    line, x, start = nn.Linear(3, 2), rows(5, 3), rows(1, 3, 1)[0]
    weight = line.weight.detach().numpy().T
    found = integrated_gradients(line, x, start)
    np.testing.assert_allclose(found, (x - start)[..., None] * weight, atol=1e-5)


def test_their_sum_is_the_difference_of_the_scores():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    x, start = rows(6, 4), np.zeros(4, np.float32)
    with torch.no_grad():
        gap = (net(torch.from_numpy(x)) - net(torch.from_numpy(start))).numpy()
    np.testing.assert_allclose(integrated_gradients(net, x, start).sum(1), gap, atol=0.01)
