"""Balances of the losses of several tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, final

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fourfold.core.findings import Facts
from fourfold.core.process import world_size
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from fourfold.core.findings import Finding

__all__ = ["Aggregated", "Balance", "Equal", "Uncertainty", "balance_of"]


class Balance(nn.Module, ABC):
    """A rule for one step along K losses; its parameters are trained, too."""

    @abstractmethod
    def backward(self, losses: Tensor, shared: nn.Module, own: nn.Module) -> None:
        """Set gradients of losses (K,) on the shared module and on the modules of one task each."""

    def findings(self, names: list[str]) -> list[Finding]:
        """Return findings about the tasks of these names."""
        del names
        return []


@final
class Equal(Balance):
    """Mean of the losses."""

    def __init__(self, _k: int) -> None:
        super().__init__()

    def backward(self, losses: Tensor, _shared: nn.Module, _own: nn.Module) -> None:
        losses.mean().backward()  # type: ignore[no-untyped-call]  # torch's own has no types


@final
class Uncertainty(Balance):
    """Losses weighted by uncertainty: ½·Σ(e^{−s}L + s).

    s = log L is best for a given loss, so that a noisy task, whose loss stays large, weighs less. A
    task without labels in the batch has no loss and is left out.

    References
    ----------
    Kendall, Gal & Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, CVPR 2018.
    """

    def __init__(self, k: int) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.zeros(k))

    def backward(self, losses: Tensor, _shared: nn.Module, _own: nn.Module) -> None:
        there = losses.detach().clone()
        if world_size() > 1:  # other processes may have labels that this one lacks
            dist.all_reduce(there)
        there = there > 0
        weighed = torch.exp(-self.s) * losses + self.s  # (K,)
        (0.5 * weighed[there].sum()).backward()  # type: ignore[no-untyped-call]  # as above

    def findings(self, names: list[str]) -> list[Finding]:
        weights = 0.5 * torch.exp(-self.s.detach().cpu())
        values = {name: f"{w:.3g}" for name, w in zip(names, weights.tolist(), strict=True)}
        return [Facts("Weight of each task's loss at the end", values)]


@final
class Aggregated(Balance):
    """Aggregation of the tasks' gradients in the shared layers; elsewhere each task has its own.

    The name is of an aggregator in :data:`~fourfold.training.aggregators.AGGREGATORS`. A missing
    torchjd or solver of it is a MissingExtraError, a single loss or several processes are a
    ParameterError.
    """

    def __init__(self, name: str, k: int) -> None:
        super().__init__()
        if k < 2:
            must = f"balance={name!r} must have at least 2 tasks, whose gradients may conflict"
            raise ParameterError(f"{must}; got {k}")
        if world_size() > 1:  # a process has only the gradients of its own rows
            message = f"balance={name!r} must be trained in one process; got {world_size()}"
            raise ParameterError(message)
        from fourfold.training.aggregators import aggregator, descend

        aggregator(name, k)  # fails now if its solver is not installed
        self.descend = partial(descend, name=name)

    def backward(self, losses: Tensor, shared: nn.Module, own: nn.Module) -> None:
        trained = [[p for p in part.parameters() if p.requires_grad] for part in (shared, own)]
        self.descend(losses, shared=trained[0], own=trained[1])


def balance_of(name: str, tasks: int) -> Balance:
    """Build the balance of this name for a number of tasks; all others need torchjd, an extra."""
    plain = {"equal": Equal, "uncertainty": Uncertainty}
    return plain[name](tasks) if name in plain else Aggregated(name, tasks)
