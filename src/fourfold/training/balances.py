"""How the losses of several tasks become one step."""

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

__all__ = ["Aggregated", "Balance", "Equal", "Uncertainty"]


class Balance(nn.Module, ABC):
    """Makes one step of K losses; what it learns itself are its parameters."""

    @abstractmethod
    def backward(self, losses: Tensor, shared: nn.Module, own: nn.Module) -> None:
        """Leave gradients of losses (K,) on what tasks share, and on what is of one task each."""

    @abstractmethod
    def findings(self, names: list[str]) -> list[Finding]:
        """Say what was found out about the tasks of these names."""


@final
class Equal(Balance):
    """Follow the mean of the losses."""

    def __init__(self, _k: int) -> None:
        super().__init__()

    def backward(self, losses: Tensor, _shared: nn.Module, _own: nn.Module) -> None:
        losses.mean().backward()  # type: ignore[no-untyped-call]  # torch's own has no types

    def findings(self, _names: list[str]) -> list[Finding]:
        return []


@final
class Uncertainty(Balance):
    """Follow ½·Σ(e^{−s}L + s): a noisy task, whose loss stays large, weighs less.

    At a given loss, s = log L is best. A task without a loss, which has no label in this batch, has
    nothing to weigh.

    Parameters
    ----------
    k
        Number of losses.

    References
    ----------
    Kendall, Gal & Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, CVPR 2018.
    """

    def __init__(self, k: int) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.zeros(k))

    def backward(self, losses: Tensor, _shared: nn.Module, _own: nn.Module) -> None:
        there = losses.detach().clone()
        if world_size() > 1:  # a process may lack the labels that another has
            dist.all_reduce(there)
        there = there > 0
        weighed = torch.exp(-self.s) * losses + self.s  # (K,)
        (0.5 * weighed[there].sum()).backward()  # type: ignore[no-untyped-call]  # as above

    def findings(self, names: list[str]) -> list[Finding]:
        weights = 0.5 * torch.exp(-self.s.detach().cpu())
        values = {name: f"{w:.3g}" for name, w in zip(names, weights.tolist(), strict=True)}
        return [Facts("What the loss of each task weighs at the end", values)]


@final
class Aggregated(Balance):
    """Follow, in the shared layers, one gradient made of the tasks' own; elsewhere each its own.

    Parameters
    ----------
    name
        Of one of torchjd's aggregators: see :data:`~fourfold.training.aggregators.AGGREGATORS`.
    k
        Number of losses.

    Raises
    ------
    ParameterError
        If there is one loss only, or several processes.
    MissingExtraError
        If torchjd or its solver is not installed.
    """

    def __init__(self, name: str, k: int) -> None:
        super().__init__()
        if k < 2:
            raise ParameterError(
                f"balance={name!r} must have at least 2 tasks, whose gradients may conflict; got "
                f"{k}"
            )
        if world_size() > 1:  # each process has gradients of its own rows only
            raise ParameterError(
                f"balance={name!r} must be trained in one process; got {world_size()}"
            )
        from fourfold.training.aggregators import aggregator, descend

        aggregator(name, k)  # a solver that is not there is missed now
        self.descend = partial(descend, name=name)

    def backward(self, losses: Tensor, shared: nn.Module, own: nn.Module) -> None:
        trained = [[p for p in part.parameters() if p.requires_grad] for part in (shared, own)]
        self.descend(losses, shared=trained[0], own=trained[1])

    def findings(self, _names: list[str]) -> list[Finding]:
        return []
