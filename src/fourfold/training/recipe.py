"""Recipe: the optimization of a network."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, ClassVar, Final, Literal, final

import annotated_types as at

from fourfold.core.parameters import Fraction, NonNegative, Parameters, Positive, PositiveInt
from fourfold.core.serialization import to_plain
from fourfold.errors import ParameterError
from fourfold.training.augmentation import Augmentation

__all__ = ["SPEECH", "USUAL", "Recipe"]


@final
class Recipe(Parameters):
    """Optimization of a network: its length, learning rate, regularization and early stopping.

    Device, precision, checkpoints, loggers and the like are settings of a
    :class:`~fourfold.training.runtime.Runtime`.

    Parameters
    ----------
    epochs
        Passes over the largest table.
    steps
        Exact number of steps, instead of epochs.
    min_steps
        Least number of steps; small tables are passed more often.
    max_steps
        Most steps; large tables are passed less often, or not whole. None for no limit.
    batch_size
        Rows of each table in a step, over all processes together, which share them equally.
    optimizer
        ``"adamw"`` (decoupled weight decay), or ``"sgd"`` without Nesterov's momentum.
    learning_rate
        At the start of the schedule.
    momentum
        Of SGD.
    weight_decay
        Of the optimizer, on every trained weight.
    schedule
        ``"constant"``; ``"cosine"`` to zero; ``"step"``: a tenth from two thirds on;
        ``"inverse"``: 1/(1 + 10p)^.75 over the progress p, as in domain-adversarial training.
    warmup
        Share of the steps in which the learning rate grows from zero.
    clip_norm
        Largest norm of the gradient; None for no limit.
    patience
        Epochs without a better validation score until training stops with the best weights; needs
        ``validation``.
    validation
        Share of the labelled rows held out for validation, in [0, 1).
    ema
        Decay of an exponential moving average of the weights, which is the result, in [0, 1); early
        in training it is lower. 0 takes the last weights.
    range_test
        Whether the learning rate is found before training, from a tenth to ten times
        ``learning_rate``: rates grow over 60 steps, and a tenth of the one with the least training
        loss is taken. The weights are then as they were.
    augment
        Random changes of pictures and sounds; None for none.

    References
    ----------
    Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017 (``range_test``). Polyak
    & Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J. Control 1992
    (``ema``).
    """

    epochs: PositiveInt = 20
    steps: PositiveInt | None = None
    min_steps: PositiveInt = 200
    max_steps: PositiveInt | None = None
    batch_size: PositiveInt = 64
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 1e-4
    schedule: Literal["constant", "cosine", "step", "inverse"] = "cosine"
    warmup: Fraction = 0.0
    clip_norm: Positive | None = None
    patience: PositiveInt | None = None
    validation: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0
    ema: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0
    range_test: bool = False
    augment: Augmentation | None = None

    renamed: ClassVar[dict[str, str]] = {
        "least_steps": "min_steps",
        "each_epoch": "Runtime(callbacks=...)",
        "checkpoint": "Runtime(checkpoints=FOLDER)",
        **{
            name: f"Runtime({name}=...)"
            for name in (
                "precision", "accelerator", "devices", "checkpoint_every", "progress", "loggers",
            )
        },
    }  # fmt: skip

    def _check_together(self) -> None:
        if self.patience is not None and not self.validation:
            raise ParameterError(
                "patience of Recipe must be used with validation, the share of held-out rows; got "
                f"patience={self.patience} and validation=0"
            )

    def idle(self) -> dict[str, str]:
        return {} if self.optimizer == "sgd" else {"momentum": f"optimizer={self.optimizer!r}"}

    def rate(self, t: float) -> float:
        """Return the factor of the learning rate at progress t in [0, 1]."""
        warm = min(1.0, t / self.warmup) if self.warmup else 1.0
        shapes = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * t)),
            "step": 1.0 if t < 2 / 3 else 0.1,
            "inverse": (1 + 10 * t) ** -0.75,
        }
        return warm * float(shapes[self.schedule])

    def _nested_default(self, name: str) -> Any:
        return Augmentation() if name == "augment" else None

    def identity(self) -> str:
        """Return all settings as a JSON string."""
        own = self.get_params(deep=False)
        settings = {name: to_plain(value) for name, value in own.items()}
        return json.dumps(settings, sort_keys=True)

    def part(self, n: int) -> Recipe:
        """Return the recipe of one of n equal parts of the training."""
        names = "epochs", "steps", "min_steps", "max_steps"
        lengths = {name: getattr(self, name) for name in names}
        return self.but(**{name: v and math.ceil(v / n) for name, v in lengths.items()})

    def but(self, **changes: Any) -> Recipe:
        """Return the same recipe with other values of some settings."""
        return Recipe(**{**self.get_params(deep=False), **changes})


SPEECH: Final = Recipe(
    epochs=60,
    min_steps=600,
    max_steps=10_000,
    batch_size=8,
    learning_rate=2e-3,
    warmup=0.1,
    clip_norm=5.0,
)
"""Usual recipe of transcription: alignments are found late, in more passes of smaller batches."""
USUAL: Final = Recipe(epochs=10, min_steps=100, max_steps=10_000)
"""Usual recipe of methods: ten passes, more of small tables, fewer of large ones."""
