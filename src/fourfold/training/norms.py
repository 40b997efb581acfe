"""Batch norm over several processes, and over two domains."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast, final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field
from torch.nn.modules.batchnorm import _BatchNorm

from fourfold.core.process import world_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourfold.training.batches import Table

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "FrameNorm",
    "forward_by_domain",
    "has_batch_norm",
    "still_statistics",
    "track",
]


@final
class BatchNorm1d(nn.BatchNorm1d):
    """Batch norm over (B, d) or (B, C, T), synchronized over processes.

    A single row of features, which has no variance, is normalized by the running statistics.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.shape[0] == 1 and x.ndim == 2 and world_size() == 1:
            given = self.running_mean, self.running_var, self.weight, self.bias
            return F.batch_norm(x, *given, eps=self.eps)
        return _synchronized(self, x) if self.training and world_size() > 1 else super().forward(x)


@final
class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm over (B, C, H, W), synchronized over processes.

    PyTorch's SyncBatchNorm needs GPUs.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _synchronized(self, x) if self.training and world_size() > 1 else super().forward(x)


@final
class FrameNorm(nn.BatchNorm1d):
    """Batch norm over the frames (B, C, T) that are there, synchronized over processes.

    Frames that are not are 0 in x, and 0 in ``real``, (B, 1, T): they count in no moment.
    """

    def forward(self, x: Tensor, real: Tensor) -> Tensor:  # type: ignore[override]  # one more
        if not self.training:
            return super().forward(x)
        wide = x.float()  # half precision is too coarse for moments
        moments = torch.cat([wide.sum((0, 2)), wide.square().sum((0, 2)), real.float().sum()[None]])
        if world_size() > 1:
            moments = _sum(moments)
        n = moments[-1].clamp(min=1)
        mean, squares = moments[:-1].reshape(2, -1) / n
        variance = (squares - mean.square()).clamp(min=0)
        _track(self, mean.detach(), (variance * n / (n - 1).clamp(min=1)).detach())
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None], x, scale[:, None].to(x.dtype))


@final
class _Sum(torch.autograd.Function):
    """Sum over processes, in the forward and in the backward pass."""

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


def _synchronized(norm: _BatchNorm, x: Tensor) -> Tensor:
    """Normalize (B, C, ...) by the moments of the batches of all processes, equally large."""
    processes, axes = world_size(), [axis for axis in range(x.ndim) if axis != 1]
    wide = x.float()  # half precision is too coarse for moments
    mean = _sum(wide.mean(axes, keepdim=True)) / processes
    centred = wide - mean
    variance = _sum(centred.square().mean(axes, keepdim=True)) / processes
    n = processes * x.numel() // x.shape[1]
    _track(norm, mean.detach().flatten(), variance.detach().flatten() * n / (n - 1))
    shape = mean.shape
    scaled = centred * (variance + norm.eps).rsqrt() * norm.weight.view(shape)
    return (scaled + norm.bias.view(shape)).to(x.dtype)


def _track(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Update the running statistics, unless they are held still; without momentum, their mean."""
    if norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    share = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    if norm.running_mean is not None and norm.running_var is not None:
        norm.running_mean.lerp_(mean, share)
        norm.running_var.lerp_(variance, share)


@contextmanager
def still_statistics(module: nn.Module) -> Iterator[None]:
    """Hold the running statistics still inside a block; batches are normalized as before."""
    norms = _norms(module)
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def has_batch_norm(module: nn.Module) -> bool:
    """Return whether a network has batch norms."""
    return bool(_norms(module))


def track(module: nn.Module, table: Table, batch_size: int) -> None:
    """Set the running statistics of a network to those of a table's rows, batch by batch."""
    norms = _norms(module)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
    module.train()
    batches = max(min(table.n // batch_size, table.n // 2), 1)  # of two rows at least
    with torch.no_grad():
        for rows in torch.randperm(table.n).tensor_split(batches):
            module(table.batch(rows, torch.device("cpu")).x)
    module.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def forward_by_domain(features: nn.Module, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Pass a batch of each domain through a network, normalized by the domain's own statistics.

    The running statistics follow the target only. Without batch norm both batches are passed
    together, which is faster and gives the same, but for sequences of other lengths. The network
    is in training mode; batches (B, ...) and (B', ...) give features (B, d) and (B', d).
    """
    if not has_batch_norm(features) and source.shape[1:] == target.shape[1:]:
        both = features(torch.cat([source, target]))
        return both[: len(source)], both[len(source) :]
    with still_statistics(features):
        fs = features(source)
    return fs, features(target)


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [m for m in module.modules() if isinstance(m, _BatchNorm)]
