"""Losses, entropies and gradient reversal, shared by methods."""

from __future__ import annotations

import math
from typing import Any, cast, final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

__all__ = [
    "certainty",
    "class_confusion",
    "domain_loss",
    "entropy",
    "information",
    "ramp",
    "reverse",
]


@final
class _Reverse(torch.autograd.Function):
    """Identity in the forward pass, −λ times the gradient in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].neg() * ctx.scale, None


def reverse(x: Tensor, scale: float) -> Tensor:
    """Reverse the gradient: identity forward, −``scale`` times the gradient backward.

    References
    ----------
    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.
    """
    return cast("Tensor", _Reverse.apply(x, scale))


def ramp(t: float, steepness: float = 10.0) -> float:
    """Return a weight that grows from 0 to 1 over the progress t: 2/(1 + e^{−10t}) − 1."""
    return 2 / (1 + math.exp(-steepness * t)) - 1


def domain_loss(
    source: Tensor, target: Tensor, weights: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Return the cross-entropy of domain logits, source (B, 1) as 0 and target (B', 1) as 1.

    Both domains have the same weight; those of their rows are (B,) and (B',), 1 on average.
    """
    losses = F.softplus(source), F.softplus(-target)
    if weights is not None:
        losses = losses[0] * weights[0][:, None], losses[1] * weights[1][:, None]
    return 0.5 * (losses[0].mean() + losses[1].mean())


def entropy(outputs: Tensor) -> Tensor:
    """Compute the entropy (B,) of each row's classes from outputs (B, k), in nats."""
    log_p = outputs.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)


def certainty(outputs: Tensor) -> Tensor:
    """Compute weights (B,) of rows by outputs (B, k), 1 + e^{−H} over its mean, without gradient.

    References
    ----------
    Long, Cao, Wang & Jordan, Conditional Adversarial Domain Adaptation, NeurIPS 2018.
    """
    sure = 1 + torch.exp(-entropy(outputs.detach()))
    return sure / sure.mean()


def class_confusion(outputs: Tensor, temperature: float = 2.5) -> Tensor:
    """Compute the mean confusion of a class with others, from outputs (B, k) of a batch.

    References
    ----------
    Jin, Wang, Long & Wang, Minimum Class Confusion for Versatile Domain Adaptation, ECCV 2020.
    """
    outputs = outputs / temperature
    p = outputs.softmax(1)
    together = (p * certainty(outputs)[:, None]).T @ p  # (k, k)
    of_class = together / together.sum(1, keepdim=True)
    return (of_class.sum() - of_class.trace()) / len(of_class)


def information(outputs: Tensor, prior: Tensor) -> Tensor:
    """Compute −KL(mean p ‖ prior) − mean H(p) of outputs (B, k), in nats.

    It is the largest, 0, where each row is predicted for sure, and the classes' shares are those of
    the prior, (k,). With equal shares it is the mutual information of rows and classes, less log k.
    """
    mean = outputs.softmax(1).mean(0).clamp_min(1e-12)
    return -(mean * (mean / prior).log()).sum() - entropy(outputs).mean()
