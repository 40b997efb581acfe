"""Batch norm: whose statistics are used when two domains meet, and on two processes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast, final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fourfold.core.process import world_size

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BatchNorm1d", "BatchNorm2d", "forward_by_domain", "still_statistics"]


@final
class BatchNorm1d(nn.BatchNorm1d):
    """Batch norm over (B, d) that, in several processes, normalizes by the whole batch."""

    def forward(self, x: Tensor) -> Tensor:
        return _together(self, x) if self.training and world_size() > 1 else super().forward(x)


@final
class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm over (B, C, H, W) that, in several processes, normalizes by the whole batch.

    PyTorch's SyncBatchNorm does the same on GPUs only.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _together(self, x) if self.training and world_size() > 1 else super().forward(x)


@final
class _Sum(torch.autograd.Function):
    """Sum over processes; every process's output depends on every one's input, so do gradients."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _sum(x: Tensor) -> Tensor:
    return cast("Tensor", _Sum.apply(x))


def _together(norm: _BatchNorm, x: Tensor) -> Tensor:
    """Normalize (B, C, ...) by the moments of all processes' batches, which are equally large."""
    processes, axes = world_size(), [axis for axis in range(x.ndim) if axis != 1]
    wide = x.float()  # moments need more digits than half precision has
    mean = _sum(wide.mean(axes, keepdim=True)) / processes
    centred = wide - mean
    variance = _sum(centred.square().mean(axes, keepdim=True)) / processes
    n = processes * x.numel() // x.shape[1]
    _remember(norm, mean.detach().flatten(), variance.detach().flatten() * n / (n - 1))
    shape = mean.shape
    scaled = centred * (variance + norm.eps).rsqrt() * norm.weight.view(shape)
    return (scaled + norm.bias.view(shape)).to(x.dtype)


def _remember(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Let the running statistics follow a batch's, unless they stand still."""
    if norm.num_batches_tracked is None or norm.momentum is None:
        return
    norm.num_batches_tracked.add_(1)
    if norm.running_mean is not None and norm.running_var is not None:
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance, norm.momentum)


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


def forward_by_domain(features: nn.Module, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
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
