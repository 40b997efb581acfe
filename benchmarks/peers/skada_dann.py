"""Domain-adversarial training by skada, on skorch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.torch_dann import Network, critic, ramp, rate
from fourfold.errors import MissingExtraError

try:
    from skada.deep import DANN
    from skada.deep.modules import GradientReversalLayer
    from skorch.callbacks import Callback, LRScheduler
except ImportError as error:
    raise MissingExtraError("skada", "bench") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["train"]


class _Critic(nn.Module):
    """The paper's critic behind a reversed gradient: skada's own ends in a softmax over one."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = critic()
        self.alpha = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,) logits."""
        return self.critic(GradientReversalLayer.apply(x, self.alpha)).squeeze(1)


class _Schedule(Callback):
    """Lets λ grow with each step."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.step = 0

    def on_batch_begin(self, net: Any, training: bool = False, **_: Any) -> None:
        """Set λ."""
        if training:
            net.module_.domain_classifier_.alpha = ramp(self.step / self.steps)
            self.step += 1


class _Ends(Callback):
    def __init__(self, each_epoch: Callable[[], None]) -> None:
        self.each_epoch = each_epoch

    def on_epoch_end(self, net: Any, **_: Any) -> None:  # noqa: ARG002  skorch's signature
        """Say so."""
        self.each_epoch()


def train(
    source: NDArray[np.float32],
    y: NDArray[np.int64],
    target: NDArray[np.float32],
    *,
    epochs: int,
    batch: int,
    each_epoch: Callable[[], None],
) -> Any:
    """Train on (n, 3, 28, 28) normalized pictures of each domain and the source's (n,) labels."""
    steps = epochs * math.ceil(len(source) / batch)
    schedule = LRScheduler(
        torch.optim.lr_scheduler.LambdaLR,
        lr_lambda=lambda step: rate(step / steps),
        step_every="batch",
        event_name=None,
    )
    net = DANN(
        Network(),
        layer_name="features",
        reg=0.5,  # skada adds the two domains' losses up, the paper takes their mean
        domain_classifier=_Critic(),
        domain_criterion=nn.BCEWithLogitsLoss(),
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.01,
        batch_size=batch,  # of each domain: its loader draws both
        max_epochs=epochs,
        train_split=None,
        callbacks=[schedule, _Schedule(steps), _Ends(each_epoch)],
        verbose=0,
    )
    X = np.concatenate([source, target])
    labels = np.concatenate([y, np.full(len(target), -1)])  # its mark for labels that are hidden
    domains = np.concatenate([np.full(len(source), 1), np.full(len(target), -2)])
    return net.fit(X, labels, domains)
