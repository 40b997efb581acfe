"""Losses and gradient tricks keep their equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.training.losses import domain_loss, ramp, reverse


def test_reversal_is_the_identity_forwards():
    x = torch.randn(4, 3)
    assert torch.equal(reverse(x, 0.7), x)


@pytest.mark.parametrize("scale", [0.0, 0.3, 2.0])
def test_reversal_gives_minus_scale_times_finite_differences(scale):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 2, generator=generator, dtype=torch.float64)

    def f(at, through):
        return (torch.tanh(through(at) @ weight) ** 2).sum()

    f(x, lambda z: reverse(z, scale)).backward()
    step = 1e-6
    for i in range(5):
        for j in range(3):
            move = torch.zeros_like(x)
            move[i, j] = step
            with torch.no_grad():
                slope = (f(x + move, lambda z: z) - f(x - move, lambda z: z)) / (2 * step)
            assert x.grad[i, j].item() == pytest.approx(-scale * slope.item(), abs=1e-7)


def test_a_critic_above_the_reversal_learns_as_without_it():
    x = torch.randn(6, 3)
    gradients = []
    for scale in (None, 0.2):
        critic = torch.ones(3, 1, requires_grad=True)
        logits = (x if scale is None else reverse(x, scale)) @ critic
        logits.sigmoid().sum().backward()
        gradients.append(critic.grad)
    assert torch.equal(*gradients)


@pytest.mark.parametrize(
    ("t", "value"),
    [(0.0, 0.0), (0.1, 0.46211716), (0.25, 0.84828364), (0.5, 0.98661430), (1, 0.9999092)],
)
def test_the_ramp_is_the_papers(t, value):
    assert ramp(t) == pytest.approx(value, abs=1e-7)
    assert ramp(t) == pytest.approx(2 / (1 + math.exp(-10 * t)) - 1)


def test_the_ramp_grows_and_may_be_flatter():
    values = [ramp(i / 50) for i in range(51)]
    assert values == sorted(values)
    assert ramp(0.3, steepness=1.0) < ramp(0.3)


def test_the_domain_loss_is_binary_cross_entropy():
    source, target = torch.randn(8, 1), torch.randn(8, 1)
    logits, domain = torch.cat([source, target]), torch.cat([torch.zeros(8, 1), torch.ones(8, 1)])
    expected = F.binary_cross_entropy_with_logits(logits, domain)
    torch.testing.assert_close(domain_loss(source, target), expected)


def test_both_domains_weigh_the_same_however_many_rows():
    source, target = torch.randn(4, 1), torch.randn(3, 1)
    torch.testing.assert_close(
        domain_loss(source.repeat(5, 1), target), domain_loss(source, target)
    )
    assert torch.isfinite(domain_loss(torch.full((2, 1), 1e4), torch.full((2, 1), -1e4)))
