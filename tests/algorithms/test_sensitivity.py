"""The Fisher information of activations is what the formula says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.algorithms.fisher import activation_fisher
from fourfold.core.tasks import Attributes, Classification, Regression

N = 250  # more than two chunks, and no multiple of one


def rows(width=5):
    torch.manual_seed(0)
    return torch.randn(N, width) * torch.tensor([0.5, 1.0, 2.0, 1.0, 3.0])


def layers(outputs=3):
    torch.manual_seed(1)
    return torch.randn(outputs, 5)


def by_hand(task, x, w):
    """Σ_m var_m E[(∂ log-likelihood / ∂h_m)²] for outputs W h, row by row."""
    total = np.zeros(5)
    for row in x.numpy().astype(float):
        z, j = w.numpy() @ row, w.numpy().astype(float)
        if isinstance(task, Classification):
            p = np.exp(z) / np.exp(z).sum()
            total += (p[:, None] * (j - p @ j) ** 2).sum(0)
        elif isinstance(task, Attributes):
            p = 1 / (1 + np.exp(-z))
            total += ((p * (1 - p))[:, None] * j**2).sum(0)
        else:
            total += (j**2).sum(0)
    return float((total / len(x) * x.numpy().astype(float).var(0)).sum())


@pytest.mark.parametrize("task", [Classification(), Attributes(), Regression()])
def test_of_a_linear_layer_it_is_the_closed_form(task):
    x, w = rows(), layers()
    [found] = activation_fisher(lambda h: (h @ w.T, [h]), x, task)
    assert found == pytest.approx(by_hand(task, x, w), rel=1e-4)


def test_many_outputs_are_right_on_average():
    x, w = rows(), layers(12)
    torch.manual_seed(2)
    found = [activation_fisher(lambda h: (h @ w.T, [h]), x, Classification())[0] for _ in range(12)]
    assert np.mean(found) == pytest.approx(by_hand(Classification(), x, w), rel=0.05)


def test_the_scale_of_a_unit_does_not_matter():
    x, w = rows(), layers()
    scale = torch.tensor([10.0, 0.1, 1.0, 7.0, 100.0])

    def run(h):
        scaled = h * scale
        return scaled @ (w / scale).T, [h, scaled]

    one, other = activation_fisher(run, x, Classification())
    assert one == pytest.approx(other, rel=1e-4)


def test_what_is_not_used_or_never_varies_says_nothing():
    x, w = rows(), layers()

    def run(h):
        unused, constant = h * 2, h * 0 + 1
        return h @ w.T + constant[:, :3], [unused, constant, h]

    unused, constant, used = activation_fisher(run, x, Regression())
    assert unused == 0
    assert constant == pytest.approx(0, abs=1e-9)
    assert used > 1
