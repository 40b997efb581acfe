"""Phases: losses, the modules that they train, and the history of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

from torch import Tensor, nn

__all__ = ["History", "Part", "Phase"]

Loss: TypeAlias = Callable[..., Tensor]
"""Function from the progress t in [0, 1] and a batch of each table to a scalar."""


@final
@dataclass(frozen=True)
class Part:
    """A module with its own learning rate.

    Parameters
    ----------
    module
        The trained module.
    rate
        Factor of the recipe's learning rate.
    weight_decay
        Weight decay other than the recipe's.
    """

    module: nn.Module
    rate: float = 1.0
    weight_decay: float | None = None


@final
@dataclass(frozen=True)
class Phase:
    """A loss and the modules trained on it; a step runs all phases in order.

    Parameters
    ----------
    loss
        ``loss(t, *batches)``, a scalar.
    module
        The trained module, or Parts with their own learning rates.
    repeat
        Optimizer steps of this phase in one step.
    backward
        ``backward(loss, module)`` in place of ``loss.backward()``. The loss may then be a vector,
        for instance one loss for each task of a :class:`~fourfold.training.balances.Balance`.
    """

    loss: Loss
    module: nn.Module | Sequence[Part]
    repeat: int = 1
    backward: Callable[[Tensor, nn.Module], None] | None = None

    @property
    def parts(self) -> list[Part]:
        """The trained modules with their learning rates."""
        return [Part(self.module)] if isinstance(self.module, nn.Module) else list(self.module)


@final
@dataclass
class History:
    """Losses and validation scores of a training.

    Attributes
    ----------
    losses
        Mean loss of each phase in each epoch.
    scores
        Validation score of each epoch, if any.
    steps, seconds
        Number of steps and their duration.
    learning_rate
        The rate that a range test found; None without one.
    """

    losses: list[list[float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    learning_rate: float | None = None

    def then(self, later: History) -> History:
        """Return this history with that of a training that went on from there."""
        losses, scores = self.losses + later.losses, self.scores + later.scores
        steps, seconds = self.steps + later.steps, self.seconds + later.seconds
        return History(losses, scores, steps, seconds, later.learning_rate)
