"""Aggregation of the gradients of several losses by torchjd, an extra."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import torch

from fourfold.errors import MissingExtraError

try:
    from torchjd import aggregation
except ImportError as error:
    raise MissingExtraError("torchjd", "multitask") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor
    from torchjd.aggregation import Aggregator

__all__ = ["AGGREGATORS", "aggregator", "descend"]

AGGREGATORS: Final[dict[str, Callable[[int], Aggregator]]] = {
    "pcgrad": lambda _k: aggregation.PCGrad(),
    "cagrad": lambda _k: aggregation.CAGrad(c=0.5),  # the c of the paper's larger experiments
    "nashmtl": lambda k: aggregation.NashMTL(n_tasks=k),
    "upgrad": lambda _k: aggregation.UPGrad(),
    "mgda": lambda _k: aggregation.MGDA(),
    "imtlg": lambda _k: aggregation.IMTLG(),
    "alignedmtl": lambda _k: aggregation.AlignedMTL(),
}
"""Name → builder of an aggregator of k gradients."""


def aggregator(name: str, k: int) -> Aggregator:
    """Build an aggregator of k gradients; MissingExtraError if its solver is not installed."""
    try:
        return AGGREGATORS[name](k)
    except ImportError as error:
        raise MissingExtraError(f"a solver of torchjd for {name}", "multitask") from error


def descend(losses: Tensor, name: str, shared: Sequence[Tensor], own: Sequence[Tensor]) -> None:
    """Set gradients of several losses: aggregated for shared parameters, summed for the others.

    A loss without a gradient, as of a task without labels in the batch, is left out, because some
    aggregators would return zero. Aggregators have no state, so that a training resumed from a
    checkpoint gives the same result. Losses are (K,); the own parameters are of one loss each.
    """
    everything = [*shared, *own]
    rows = [
        torch.autograd.grad(loss, everything, retain_graph=True, materialize_grads=True)
        for loss in losses
    ]
    for i, parameter in enumerate(own, start=len(shared)):
        _set_gradient(parameter, torch.stack([row[i] for row in rows]).sum(0))
    if not shared:
        return
    flat = [torch.cat([g.reshape(-1) for g in row[: len(shared)]]) for row in rows]
    jacobian = torch.stack(flat)  # (K, P)
    jacobian = jacobian[jacobian.any(dim=1)]
    step = jacobian.sum(0)  # (P,)
    if len(jacobian) > 1:
        with warnings.catch_warnings():  # about the speed of a solver that is used again
            warnings.filterwarnings("ignore", "You are solving a parameterized", UserWarning)
            step = aggregator(name, len(jacobian))(jacobian)
    parts = torch.split(step, [parameter.numel() for parameter in shared])
    for parameter, part in zip(shared, parts, strict=True):
        _set_gradient(parameter, part.view_as(parameter))


def _set_gradient(parameter: Tensor, gradient: Tensor) -> None:
    """Set a gradient in the memory layout of its parameter, which fused optimizers need."""
    parameter.grad = torch.empty_like(parameter).copy_(gradient)
