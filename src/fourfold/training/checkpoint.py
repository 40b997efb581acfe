"""Checkpoints: saved states of trainings, from which a killed training is resumed exactly."""

from __future__ import annotations

import json
import time
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold.core.digests import DamagedError, digest_tensors, load_tensors, save_tensors
from fourfold.errors import FileError, FourfoldWarning
from fourfold.training.phases import History
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch.optim import Optimizer

    from fourfold.training.averaging import Average
    from fourfold.training.batches import Stream, Table
    from fourfold.training.phases import Phase
    from fourfold.training.recipe import Recipe

__all__ = ["Checkpoint", "TrainingState", "parameters_of", "training_for"]

WORTH_A_FILE: Final = 1.0
"""Seconds of a training whose end is saved."""

_purpose: ContextVar[str] = ContextVar("purpose", default="")


@contextmanager
def training_for(purpose: str) -> Iterator[None]:
    """Set the purpose of the trainings inside a block, such as a method and its parameters.

    A checkpoint cannot know it from the loss; trainings of another purpose have other checkpoints.
    """
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)


@final
@dataclass
class TrainingState:
    """The full state of a training: one optimizer for each phase, one stream for each table."""

    module: nn.Module
    optimizers: Sequence[Optimizer]
    streams: Sequence[Stream]
    history: History = field(default_factory=History)
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    over: bool = False
    average: Average | None = None

    def keep_best(self) -> None:
        """Keep the weights if the last validation score is the best."""
        scores = self.history.scores
        if len(scores) == 1 or scores[-1] > scores[self.best_epoch]:
            self.best_epoch = len(scores) - 1
            self.best_weights = {k: v.clone() for k, v in self.module.state_dict().items()}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors by name, and the rest as JSON."""
        tensors = {f"net/{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"best/{k}": v for k, v in self.best_weights.items()}
        if self.average is not None:
            tensors |= {f"mean/{k}": v for k, v in self.average.weights.items()}
        for i, optimizer in enumerate(self.optimizers):
            for j, values in optimizer.state_dict()["state"].items():
                tensors |= {f"opt/{i}/{j}/{k}": v for k, v in values.items() if v is not None}
        for i, stream in enumerate(self.streams):
            tensors[f"stream/{i}/waiting"] = stream.waiting
            tensors[f"stream/{i}/random"] = stream.generator.get_state()
        tensors["random"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random_cuda"] = torch.cuda.get_rng_state()
        notes = {"history": asdict(self.history), "best": self.best_epoch, "over": self.over}
        return {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, notes

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Restore the state of :meth:`export`."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        self.module.load_state_dict(part("net/"))
        self.best_weights, self.best_epoch = part("best/"), notes["best"]
        if self.average is not None:
            for name, value in part("mean/").items():
                self.average.weights[name].copy_(value)
        for i, optimizer in enumerate(self.optimizers):
            parameters = parameters_of(optimizer)
            values: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"opt/{i}/").items():
                index, key = name.split("/")
                values.setdefault(int(index), {})[key] = _like(parameters[int(index)], value)
            optimizer.load_state_dict({**optimizer.state_dict(), "state": values})
        for i, stream in enumerate(self.streams):
            stream.waiting = tensors[f"stream/{i}/waiting"]
            stream.generator.set_state(tensors[f"stream/{i}/random"])
        torch.set_rng_state(tensors["random"])
        if "random_cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random_cuda"])
        self.over = notes["over"]
        for name, value in notes["history"].items():
            setattr(self.history, name, value)


@final
class Checkpoint:
    """A safetensors file with the state of a training, replaced atomically.

    Between two writes there are at least ``every`` seconds; the end of a training that took less
    than one is not written, as that takes about as long.
    """

    def __init__(self, path: Path, every: float) -> None:
        self.path, self.every = path, every
        self.written = time.monotonic()

    @classmethod
    def of(
        cls, recipe: Recipe, module: nn.Module, phases: Sequence[Phase], tables: Sequence[Table]
    ) -> Self | None:
        """Return the checkpoint of a training that begins now, or None if the runtime keeps none.

        The name of the file is a hash of purpose, recipe, phases, initial weights, random state,
        rows and runtime, so that no other training resumes from it.
        """
        runtime = current()
        if runtime.checkpoints is None:
            return None
        start = digest_tensors({**module.state_dict(), "random": torch.get_rng_state()})
        rates = [
            [phase.repeat, *((part.rate, part.weight_decay) for part in phase.parts)]
            for phase in phases
        ]
        parts = [_purpose.get(), recipe.identity(), runtime.identity(), rates, start]
        identity = json.dumps([*parts, *(_rows(table) for table in tables)])
        name = f"{xxh3_128_hexdigest(identity.encode())}.safetensors"
        return cls(Path(runtime.checkpoints) / name, runtime.checkpoint_every)

    def save(self, state: TrainingState) -> None:
        """Save a state, unless the last write is recent."""
        apart = min(self.every, WORTH_A_FILE) if state.over else self.every
        if time.monotonic() - self.written < apart:
            return
        tensors, notes = state.export()
        try:
            save_tensors(self.path, tensors, notes)
        except (OSError, SafetensorError) as error:
            raise FileError(
                f"{self.path} must be writable for checkpoints; got: {error}"
            ) from error
        self.written = time.monotonic()

    def load(self, state: TrainingState) -> None:
        """Restore a training to the saved state, if there is one; a damaged one is left out."""
        try:
            state.restore(*load_tensors(self.path))
        except FileNotFoundError:
            return
        except DamagedError as error:
            warnings.warn(f"{error}: trained from the start", FourfoldWarning, stacklevel=2)


def _rows(table: Table) -> str:
    """Hash the content of a table."""
    parts = {"y": table.y, "z": table.z, "weight": table.weight}
    named = {name: part for name, part in parts.items() if part is not None}
    if isinstance(table.x, Tensor):
        return digest_tensors({"x": table.x, **named})
    return table.x.digest + digest_tensors(named)


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters of an optimizer, in order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Copy a value to the memory layout of its parameter, as fused optimizers need."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
