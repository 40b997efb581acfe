"""A recipe: how a network is trained, for how long, how fast, on what."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, final

import annotated_types as at

from fourfold.core.parameters import Fraction, NonNegative, Parameters, Positive, PositiveInt
from fourfold.core.plain import to_plain

__all__ = ["Recipe"]


@final
class Recipe(Parameters):
    """How a network is trained: how long, how fast, on what.

    Parameters
    ----------
    epochs
        Passes over the largest table.
    steps
        Exactly so many steps instead, if given.
    least_steps
        Few rows are gone through more often, until so many steps are made.
    batch_size
        Rows of each table in a step, over all processes together, which share them equally.
    optimizer
        ``"adamw"`` (decoupled weight decay), or ``"sgd"`` with Nesterov's momentum off.
    learning_rate
        At the start of the schedule.
    momentum
        Of SGD.
    weight_decay
        Of the optimizer, on every weight that is trained.
    schedule
        ``"constant"``; ``"cosine"`` to zero; ``"step"``: a tenth from two thirds on;
        ``"inverse"``: 1/(1 + 10p)^.75 over the progress p, as domain-adversarial training has it.
    warmup
        Share of the steps over which the learning rate first grows from zero.
    clip_norm
        Longest gradient; None for no limit.
    precision
        ``"32-true"``, or ``"bf16-mixed"`` for autocast.
    accelerator, devices
        Where, in Lightning Fabric's words. Under ``torchrun`` every process joins in.
    patience
        Stop after so many epochs without a better validation score, and go back to the best;
        needs ``validation``.
    validation
        Share of the labelled rows that are held out for it, in [0, 1).
    checkpoint
        A file that the state is kept in, after an epoch; training goes on from it.
    checkpoint_every
        Seconds between two writes of it, at the least.
    progress
        Show a bar.
    loggers
        Lightning Fabric's loggers; they get each epoch's losses.
    each_epoch
        Called with the epoch's number and the history after each epoch.
    """

    epochs: PositiveInt = 20
    steps: PositiveInt | None = None
    least_steps: PositiveInt = 200
    batch_size: PositiveInt = 64
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 1e-4
    schedule: Literal["constant", "cosine", "step", "inverse"] = "cosine"
    warmup: Fraction = 0.0
    clip_norm: Positive | None = None
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: int | str = "auto"
    patience: PositiveInt | None = None
    validation: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0
    checkpoint: str | None = None
    checkpoint_every: NonNegative = 30.0
    progress: bool = False
    loggers: tuple[Any, ...] = ()
    each_epoch: tuple[Any, ...] = ()

    def rate(self, t: float) -> float:
        """Factor of the learning rate at progress t in [0, 1]."""
        warm = min(1.0, t / self.warmup) if self.warmup else 1.0
        shapes = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * t)),
            "step": 1.0 if t < 2 / 3 else 0.1,
            "inverse": (1 + 10 * t) ** -0.75,
        }
        return warm * float(shapes[self.schedule])

    def identity(self) -> str:
        """Say in JSON all that changes a result; where it is kept or shown does not."""
        passing = {"checkpoint", "checkpoint_every", "progress", "loggers", "each_epoch"}
        settings = {k: to_plain(v) for k, v in self.get_params().items() if k not in passing}
        return json.dumps(settings, sort_keys=True)

    def but(self, **changes: Any) -> Recipe:
        """Return the same recipe but for these settings."""
        return Recipe(**{**self.get_params(), **changes})

    def derived(self, part: str) -> Recipe:
        """Return the same recipe for another training of the same fit, with its own checkpoint."""
        if self.checkpoint is None:
            return self
        return self.but(checkpoint=f"{self.checkpoint}.{part}")
