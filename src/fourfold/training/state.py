"""State of a training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, final

import torch

from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn
    from torch.optim import Optimizer

    from fourfold.training.batches import Stream

__all__ = ["Best", "TrainingState", "parameters_of"]


@final
@dataclass
class Best:
    """Weights of the best epoch so far, by validation score."""

    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def update(self, scores: list[float], module: nn.Module) -> None:
        """Keep the module's weights if the last score is the best."""
        if len(scores) == 1 or scores[-1] > scores[self.epoch]:
            self.epoch = len(scores) - 1
            self.weights = {k: v.detach().clone() for k, v in module.state_dict().items()}

    def restore(self, module: nn.Module) -> None:
        """Restore the best weights, if any."""
        if self.weights:
            module.load_state_dict(self.weights)


@final
@dataclass
class TrainingState:
    """The full state of a training, for checkpoints.

    Attributes
    ----------
    module
        All modules.
    optimizers
        One optimizer for each phase.
    streams
        One stream for each table.
    history, best
        Losses and scores, and best weights, so far.
    over
        Whether the training is over.
    """

    module: nn.Module
    optimizers: Sequence[Optimizer]
    streams: Sequence[Stream]
    history: History = field(default_factory=History)
    best: Best = field(default_factory=Best)
    over: bool = False

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors by name, and the rest as JSON."""
        tensors = {f"net/{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"best/{k}": v for k, v in self.best.weights.items()}
        for i, optimizer in enumerate(self.optimizers):
            for j, values in optimizer.state_dict()["state"].items():
                tensors |= {f"opt/{i}/{j}/{k}": v for k, v in values.items() if v is not None}
        for i, stream in enumerate(self.streams):
            tensors[f"stream/{i}/waiting"] = stream.waiting
            tensors[f"stream/{i}/random"] = stream.generator.get_state()
        tensors["random"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random_cuda"] = torch.cuda.get_rng_state()
        notes = {"history": asdict(self.history), "best": self.best.epoch, "over": self.over}
        return {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, notes

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Restore the state of :meth:`export`."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        self.module.load_state_dict(part("net/"))
        self.best.weights, self.best.epoch = part("best/"), notes["best"]
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


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters of an optimizer, in order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Copy a value to the memory layout of its parameter, as fused optimizers need."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
