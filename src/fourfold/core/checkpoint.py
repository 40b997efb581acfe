"""Checkpoints: everything a killed training needs to end as if it had not been killed."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from xxhash import xxh3_128

from fourfold.core.whole import whole_file
from fourfold.errors import DataError, FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fourfold.core.training import Phase, Recipe, Table, _Loop

__all__ = ["Checkpoint", "training_for"]

_purpose: ContextVar[str] = ContextVar("purpose", default="")


@contextmanager
def training_for(purpose: str) -> Iterator[None]:
    """Say what is trained for, such as a method and its parameters, which a loss does not tell.

    A checkpoint of another purpose is refused.
    """
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)


@final
class Checkpoint:
    """One safetensors file: weights, buffers, optimizers, shuffling and random state, history.

    Parameters
    ----------
    path
        The file; replaced as a whole at every write.
    every
        Seconds between two writes, at the least.
    identity
        What the training is: its purpose and recipe, phases, weights at the start, random state and
        rows; a file with another one is refused.
    """

    def __init__(self, path: Path, every: float, identity: str) -> None:
        self.path, self.every, self.identity = path, every, identity
        self.written = time.monotonic()

    @classmethod
    def of(
        cls, recipe: Recipe, module: nn.Module, phases: Sequence[Phase], tables: Sequence[Table]
    ) -> Self | None:
        """Return the recipe's checkpoint of a training that begins now, if it asks for one."""
        if recipe.checkpoint is None:
            return None
        start = _digest({**module.state_dict(), "random": torch.get_rng_state()})
        rates = [
            [phase.repeat, *((part.rate, part.weight_decay) for part in phase.parts)]
            for phase in phases
        ]
        what = [_purpose.get(), recipe.identity(), rates]
        parts = [*what, start, *(_rows(table) for table in tables)]
        return cls(Path(recipe.checkpoint), recipe.checkpoint_every, json.dumps(parts))

    def exists(self) -> bool:
        """Tell whether there is something to go on from."""
        return self.path.exists()

    def save(self, loop: _Loop) -> None:
        """Write the state of a loop, unless the last write was just now."""
        if not loop.over and time.monotonic() - self.written < self.every:
            return
        tensors, notes = _state(loop)
        notes |= {"identity": self.identity, "digest": _digest(tensors)}
        try:
            with whole_file(self.path) as part:
                save_file(tensors, part, {"fourfold": json.dumps(notes)})
        except (OSError, SafetensorError) as error:
            raise FileError(f"{self.path} must be writable for checkpoints; {error}") from error
        self.written = time.monotonic()

    def load(self, loop: _Loop) -> None:
        """Put a loop into the state that was written.

        Raises
        ------
        DataError
            If the file is damaged, or of another training.
        """
        try:
            with safe_open(self.path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                notes = json.loads((file.metadata() or {})["fourfold"])
            identity, digest = notes["identity"], notes["digest"]
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(
                f"{self.path} must be a whole checkpoint of fourfold; got {error}: remove it"
            ) from error
        if digest != _digest(tensors):
            raise DataError(f"{self.path} must be as it was written; it is damaged: remove it")
        if identity != self.identity:
            raise DataError(
                f"{self.path} must be of a training with the same method, recipe, start and data; "
                "got another: remove it, or name another file"
            )
        _restore(loop, tensors, notes)


def _state(loop: _Loop) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = {f"net/{k}": v for k, v in loop.module.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in loop.best.weights.items()}
    for i, optimizer in enumerate(loop.optimizers):
        for j, values in optimizer.state_dict()["state"].items():
            tensors |= {f"opt/{i}/{j}/{k}": v for k, v in values.items() if v is not None}
    for i, stream in enumerate(loop.streams):
        tensors[f"stream/{i}/waiting"] = stream.waiting
        tensors[f"stream/{i}/random"] = stream.generator.get_state()
    tensors["random"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random_cuda"] = torch.cuda.get_rng_state()
    notes = {"history": asdict(loop.history), "best": loop.best.epoch, "over": loop.over}
    return {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, notes


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Lay a value out in memory as its parameter is, which fused optimizers rely on."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value


def _restore(loop: _Loop, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    loop.module.load_state_dict(part("net/"))
    loop.best.weights, loop.best.epoch = part("best/"), notes["best"]
    for i, optimizer in enumerate(loop.optimizers):
        state = optimizer.state_dict()
        values: dict[int, dict[str, Tensor]] = {}
        for name, value in part(f"opt/{i}/").items():
            index, key = name.split("/")
            values.setdefault(int(index), {})[key] = _like(loop.parameters[i][int(index)], value)
        optimizer.load_state_dict({**state, "state": values})
    for i, stream in enumerate(loop.streams):
        stream.waiting = tensors[f"stream/{i}/waiting"]
        stream.generator.set_state(tensors[f"stream/{i}/random"])
    torch.set_rng_state(tensors["random"])
    if "random_cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random_cuda"])
    loop.over = notes["over"]
    for name, value in notes["history"].items():
        setattr(loop.history, name, value)


def _rows(table: Table) -> str:
    """Name a table by its content."""
    named = {name: t for name, t in (("y", table.y), ("z", table.z)) if t is not None}
    if isinstance(table.x, Tensor):
        return _digest({"x": table.x, **named})
    return table.x.digest + _digest(named)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Name tensors by content: 32 hex digits."""
    content = xxh3_128()
    for name in sorted(tensors):
        plain = tensors[name].detach().cpu().contiguous()
        content.update(f"{name}{plain.dtype}{tuple(plain.shape)}".encode())
        content.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")
    return content.hexdigest()
