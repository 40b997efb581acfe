"""Checkpoints: saved states of trainings, from which a killed training is resumed exactly."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Self, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from xxhash import xxh3_128, xxh3_128_hexdigest

from fourfold.core.atomic import whole_file
from fourfold.errors import DataError, FileError
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fourfold.training.batches import Table
    from fourfold.training.phases import Phase
    from fourfold.training.recipe import Recipe
    from fourfold.training.state import TrainingState

__all__ = ["Checkpoint", "training_for"]

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
class Checkpoint:
    """A safetensors file with the state of a training.

    Parameters
    ----------
    path
        The file; every write replaces it atomically.
    every
        Least number of seconds between two writes.
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

    def exists(self) -> bool:
        """Return whether a state was saved."""
        return self.path.exists()

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
            message = f"{self.path} must be writable for checkpoints; got: {error}"
            raise FileError(message) from error
        self.written = time.monotonic()

    def load(self, state: TrainingState) -> None:
        """Restore a training to the saved state.

        Raises
        ------
        DataError
            If the file is damaged.
        """
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
