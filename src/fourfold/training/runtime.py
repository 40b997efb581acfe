"""Runtime: the device, precision, threads, checkpoints and displays of every training inside it."""

from __future__ import annotations

from contextlib import ExitStack
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Self, final

import torch

from fourfold.core.parameters import NonNegative, Parameters, PositiveInt
from fourfold.core.process import threads as use_threads
from fourfold.frozen.store import Store, using

__all__ = ["Runtime", "current"]


@final
class Runtime(Parameters):
    """Settings of all trainings inside a block: ``with Runtime(precision="bf16-mixed"): ...``.

    Of these settings only the kind of device, the precision and the number of threads change
    results; they are part of the identity of a run.

    Parameters
    ----------
    accelerator, devices
        As in Lightning Fabric. Under ``torchrun`` all processes train together.
    precision
        ``"32-true"``, or ``"bf16-mixed"`` for autocast.
    threads
        Threads of a process; None for the present number.
    checkpoints
        Folder of checkpoints, one file for each training. A training with equal method, recipe,
        initial weights and data resumes from its file.
    checkpoint_every
        Least number of seconds between two writes.
    progress
        Whether to show a progress bar of epochs.
    loggers
        Loggers of Lightning Fabric for the losses of each epoch.
    callbacks
        Functions called after each epoch with its number and the history.
    store
        Store of frozen features and source models; None for the store in use.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Recipe, TargetOnly
    >>> losses = []
    >>> with Runtime(callbacks=(lambda epoch, history: losses.append(history.losses[-1]),)):
    ...     TargetOnly(recipe=Recipe(epochs=3, min_steps=1)).fit(*load_iris(return_X_y=True))
    TargetOnly(recipe=Recipe(epochs=3, min_steps=1))
    >>> len(losses)
    3
    """

    accelerator: str = "auto"
    devices: int | str = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    threads: PositiveInt | None = None
    checkpoints: Path | str | None = None
    checkpoint_every: NonNegative = 30.0
    progress: bool = False
    loggers: tuple[Any, ...] = ()
    callbacks: tuple[Any, ...] = ()
    store: Store | None = None

    def __enter__(self) -> Self:
        self.check()
        entered = ExitStack()
        if self.threads is not None:
            entered.enter_context(use_threads(self.threads))
        if self.store is not None:
            entered.enter_context(using(self.store))
        entered.callback(_current.reset, _current.set(self))
        _entered.set((*_entered.get(), entered))
        return self

    def __exit__(self, *_: object) -> None:
        *outer, entered = _entered.get()
        _entered.set(tuple(outer))
        entered.close()

    def but(self, **changes: Any) -> Runtime:
        """Return the runtime with other values of some settings."""
        return Runtime(**{**self.get_params(deep=False), **changes})

    def identity(self) -> tuple[str, str, int]:
        """Return the settings that change results: device kind, precision and threads."""
        return self.device_kind, self.precision, torch.get_num_threads()

    @property
    def device_kind(self) -> str:
        """Kind of device, such as ``"cpu"`` or ``"cuda"``."""
        if self.accelerator not in {"auto", "gpu"}:
            return self.accelerator
        found = torch.accelerator.current_accelerator(check_available=True)
        return "cpu" if found is None else found.type


_current: ContextVar[Runtime] = ContextVar("runtime", default=Runtime())  # noqa: B039  never changed
_entered: ContextVar[tuple[ExitStack, ...]] = ContextVar("entered", default=())


def current() -> Runtime:
    """Return the runtime in use."""
    return _current.get()
