"""Domain-adversarial training in plain PyTorch, written by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Network", "accuracy", "critic", "ramp", "rate", "train"]


class Network(nn.Module):
    """The DANN paper's digit network: features (B, 768), then labels (B, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.labels = nn.Sequential(
            nn.Linear(768, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)
        )

    def forward(self, x: Tensor, sample_weight: None = None) -> Tensor:  # noqa: ARG002  for skada
        """Classify a batch."""
        return self.labels(self.features(x))


def critic() -> nn.Sequential:
    """Return the critic, which guesses the domain from features."""
    return nn.Sequential(nn.Linear(768, 100), nn.ReLU(), nn.Linear(100, 1))


def ramp(t: float) -> float:
    """Return λ at progress t."""
    return 2 / (1 + math.exp(-10 * t)) - 1


def rate(t: float) -> float:
    """Return the learning rate's factor at progress t."""
    return (1 + 10 * t) ** -0.75


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.scale * gradients[0], None


def train(
    source: Tensor,
    y: Tensor,
    target: Tensor,
    *,
    epochs: int,
    batch: int,
    each_epoch: Callable[[], None],
) -> Network:
    """Train on (n, 3, 28, 28) normalized pictures of each domain and the source's (n,) labels."""
    network, domains = Network(), critic()
    optimizer = torch.optim.SGD(
        [*network.parameters(), *domains.parameters()], lr=0.01, momentum=0.9
    )
    steps, step = epochs * math.ceil(len(source) / batch), 0
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: rate(done / steps))
    for _ in range(epochs):
        orders = torch.randperm(len(source)).split(batch), torch.randperm(len(target)).split(batch)
        for i, j in zip(*orders, strict=True):
            weight = ramp(step / steps)
            fs, ft = network.features(source[i]), network.features(target[j])
            ds, dt = (domains(_Reverse.apply(f, weight)) for f in (fs, ft))
            confusion = 0.5 * (
                F.binary_cross_entropy_with_logits(ds, torch.zeros_like(ds))
                + F.binary_cross_entropy_with_logits(dt, torch.ones_like(dt))
            )
            loss = F.cross_entropy(network.labels(fs), y[i]) + confusion
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
        each_epoch()
    return network


def accuracy(network: Network, x: Tensor, y: Tensor) -> float:
    """Return the share of pictures whose label is right."""
    network.eval()
    with torch.no_grad():
        guesses = torch.cat([network(part).argmax(1) for part in x.split(500)])
    return float((guesses == y).float().mean())
