"""Batch norm: whose statistics are used when two domains meet, and on two processes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BatchNorm2d", "apart", "still_statistics"]


@final
class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm over (B, C, H, W) that, in several processes, normalizes by the whole batch.

    PyTorch's SyncBatchNorm does the same on GPUs only.
    """

    def forward(self, x: Tensor) -> Tensor:
        world = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        if not self.training or world == 1:
            return super().forward(x)
        from torch.distributed.nn.functional import all_reduce

        moments: Tensor = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))])
        mean, square = all_reduce(moments) / world  # type: ignore[no-untyped-call]
        variance = square - mean.square()
        self._remember(mean.detach(), variance.detach(), world * x.numel() // x.shape[1])
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        normal: Tensor = x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        return normal

    def _remember(self, mean: Tensor, variance: Tensor, n: int) -> None:
        if self.running_mean is None or self.running_var is None or not self.momentum:
            return
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * n / (n - 1), self.momentum)


@contextmanager
def still_statistics(module: nn.Module) -> Iterator[None]:
    """Normalize by the batch, but leave the running statistics as they are."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def apart(features: nn.Module, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Pass a batch of each domain through a network, each with its own batch statistics.

    The running statistics, which predictions use, follow the target alone. Where there is no batch
    norm, both go through together: the result is the same, and it is faster.

    Parameters
    ----------
    features
        The network, in training mode.
    source, target
        (B, ...) and (B', ...).

    Returns
    -------
    tuple
        The features of the source (B, d) and of the target (B', d).
    """
    if not any(isinstance(m, _BatchNorm) for m in features.modules()):
        both = features(torch.cat([source, target]))
        return both[: len(source)], both[len(source) :]
    with still_statistics(features):
        fs = features(source)
    return fs, features(target)
