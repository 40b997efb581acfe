"""Checkpoints: saved states of trainings, from which a killed training is resumed exactly."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from xxhash import xxh3_128, xxh3_128_hexdigest

from fourfold.core.atomic import whole_file
from fourfold.errors import DataError, FileError
from fourfold.training.phases import History
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch.optim import Optimizer

    from fourfold.training.batches import Stream, Table
    from fourfold.training.phases import Phase
    from fourfold.training.recipe import Recipe

__all__ = ["Checkpoint", "TrainingState", "parameters_of", "training_for"]

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

    Between two writes there are at least ``every`` seconds.
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
        start = _digest({**module.state_dict(), "random": torch.get_rng_state()})
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
        if not state.over and time.monotonic() - self.written < self.every:
            return
        tensors, notes = state.export()
        notes["digest"] = _digest(tensors)
        try:
            with whole_file(self.path) as part:
                save_file(tensors, part, {"fourfold": json.dumps(notes)})
        except (OSError, SafetensorError) as error:
            raise FileError(
                f"{self.path} must be writable for checkpoints; got: {error}"
            ) from error
        self.written = time.monotonic()

    def load(self, state: TrainingState) -> None:
        """Restore a training to the saved state; a damaged file is a DataError."""
        try:
            with safe_open(self.path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                notes = json.loads((file.metadata() or {})["fourfold"])
            digest = notes["digest"]
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(
                f"{self.path} must be a whole checkpoint of fourfold; got {error}: remove it"
            ) from error
        if digest != _digest(tensors):
            raise DataError(f"{self.path} must be as it was written; got other content: remove it")
        state.restore(tensors, notes)


def _rows(table: Table) -> str:
    """Hash the content of a table."""
    named = {name: t for name, t in (("y", table.y), ("z", table.z)) if t is not None}
    if isinstance(table.x, Tensor):
        return _digest({"x": table.x, **named})
    return table.x.digest + _digest(named)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Hash tensors and their names: 32 hex digits."""
    content = xxh3_128()
    for name in sorted(tensors):
        plain = tensors[name].detach().cpu().contiguous()
        content.update(f"{name}{plain.dtype}{tuple(plain.shape)}".encode())
        content.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")
    return content.hexdigest()


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters of an optimizer, in order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Copy a value to the memory layout of its parameter, as fused optimizers need."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
